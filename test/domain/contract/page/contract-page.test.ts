import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ContractSource, contractSource } from '#lib/domain/contract/contract-source.ts'
import { contractPage } from '#lib/domain/contract/page/contract-page.ts'
import type { PageProduct } from '#lib/domain/contract/page/page-product.ts'
import { typeModule } from '#lib/domain/contract/types/type-module.ts'
import { decode } from '#lib/domain/ingest/decode.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { views } from '#products/trips/features.ts'
import { commandProblem } from '#test/support/command-line.ts'
import { record } from '#test/support/trip-events.ts'
import { TypeCheck } from '#test/support/type-check.ts'
import { randomDocument } from '../random-document.ts'

const TRIPS = readFileSync('products/trips/contract.yaml', 'utf8')

function sourceOf(text: string): ContractSource {
  const source = contractSource(text, 'contract.yaml')
  if (source === undefined) throw new Error('the contract is not valid')
  return source
}

const trips: PageProduct = { name: 'trips', sources: [sourceOf(TRIPS)], views }
const orders: PageProduct = {
  name: 'orders',
  sources: [sourceOf(readFileSync('test/fixtures/orders/contract.yaml', 'utf8'))],
  views: [],
}

/** Pages of random contracts. */
function* randomPages(count: number) {
  for (let seed = 1; seed <= count; seed++) {
    const random = randomDocument(seededRandom(seed, 8))
    const product = { name: random.contract.product, sources: [random], views: [] }
    yield { ...random, text: contractPage(product).text, product }
  }
}

/** The code of a page in a language. */
function blocks(text: string, language: string): string[] {
  return [...text.matchAll(new RegExp(`^(\`{3,})${language}\\n(.*?)\\n\\1$`, 'gms'))].map(
    ([, , block]) => block!,
  )
}

function section(text: string, title: string): string {
  return text.split(/^## /m).find((one) => one.startsWith(`${title}\n`)) ?? ''
}

describe('the page of a contract', () => {
  it('says of trips what there is to know', async () => {
    await expect(contractPage(trips).text).toMatchFileSnapshot('trips.page.md')
  })

  it('has an example that the validator accepts', () => {
    let shown = 0
    for (const { contract, text } of randomPages(150)) {
      const [json] = blocks(text, 'json')
      if (json === undefined) {
        expect(text).toContain('There is no example to show: ')
        continue
      }
      shown++
      const { rejected, batch } = decode(contract, unpackRecord(record(1, json)), { shard: 's' })
      expect([rejected, batch.rows]).toEqual([[], 1])
    }
    expect(shown).toBeGreaterThan(145)

    const [json] = blocks(contractPage(trips).text, 'json')
    const events = unpackRecord(record(1, json!))
    expect(decode(trips.sources[0]!.contract, events, { shard: 's' }).batch.rows).toBe(1)
  })

  it('has a program that compiles with the types of the contract', () => {
    const pages = [
      { product: trips, text: contractPage(trips).text },
      { product: orders, text: contractPage(orders).text },
      ...randomPages(12),
    ]
    const files = pages.flatMap(({ product, text }, at) => {
      const { contract } = product.sources.at(-1)!
      const [program] = blocks(text, 'ts')
      return [
        [`page-${at}/${contract.product}.ts`, typeModule([contract]).text],
        [`page-${at}/send.ts`, program!],
      ] as const
    })
    const check = new TypeCheck(Object.fromEntries(files), ['node'])

    expect(files.flatMap(([name]) => check.problems(name))).toEqual([])
  })

  it('has commands that the program takes', async () => {
    for (const text of [contractPage(trips).text, contractPage(orders).text]) {
      const lines = blocks(text, 'sh').flatMap((block) => block.split('\n'))

      expect(lines.length).toBeGreaterThan(3)
      for (const line of lines)
        expect([line, await commandProblem(line)]).toEqual([line, undefined])
    }
  })

  it('says how the clocks of a zone are read, and of which fields', () => {
    expect(section(contractPage(trips).text, 'Time')).toContain(
      'On the clocks of America/New_York are read: `pickup_datetime`, `dropoff_datetime`. A time that occurs twice',
    )
    expect(section(contractPage(orders).text, 'Time')).toContain('is read: `shop_time`.')
    expect(section(contractPage(orders).text, 'Time')).toContain('no later than 1 hour after')
  })

  it('lists what is nested, with its path', () => {
    const fields = section(contractPage(orders).text, 'Fields')

    for (const path of [
      'shipping',
      'shipping.position.latitude',
      'lines[]',
      'lines[].discounts[]',
    ]) {
      expect(fields).toContain(`| \`${path}\` | `)
    }
    expect(fields).toContain('matches `^[A-Z]{3}[0-9]{2}$`')
  })

  it('lists every version in force, with its table and who judges', () => {
    const second = TRIPS.replace('"1.0.0"', '"2.0.0"').replace('- name: extra', '- name: surcharge')
    const minor = TRIPS.replace('"1.0.0"', '"1.1.0"')
    const sources = [TRIPS, minor, second].map(sourceOf)

    const versions = section(contractPage({ ...trips, sources }).text, 'Versions in force')

    expect(versions).toContain('| 1.0.0, 1.1.0 | `trips` | `urn:weir:trips:1` | 1.1.0 |')
    expect(versions).toContain('| 2.0.0 | `trips_v2` | `urn:weir:trips:2`, or nothing | 2.0.0 |')
  })

  it('shows the classification of a field, that of the contract where it has none, and what is personal', () => {
    const text = TRIPS.replace(
      '- name: extra\n',
      '- name: extra\n        classification: confidential\n',
    ).replace('- name: mta_tax\n', '- name: mta_tax\n        classification: personal\n')

    const fields = section(contractPage({ ...trips, sources: [sourceOf(text)] }).text, 'Fields')

    expect(fields).toMatch(/\| `extra` .* \| confidential \| /)
    expect(fields).toMatch(/\| `mta_tax` .* \| personal \| /)
    expect(fields).toMatch(/\| `tip_amount` .* \| public \| /)
  })

  it('has tables whose rows have one number of cells, whatever a contract says', () => {
    for (const { text } of randomPages(60)) {
      const outside = text.replace(/^(`{3,}).*?^\1$/gms, '')
      for (const rows of outside.match(/(?:^\|.*\n)+/gm) ?? []) {
        const cells = rows
          .trimEnd()
          .split('\n')
          .map((row) => row.match(/(?<!\\)(?:\\\\)*\|/g)?.length)
        expect(new Set(cells).size).toBe(1)
      }
    }
  })

  it('is equal for equal contracts', () => {
    expect(contractPage(structuredClone(trips)).text).toBe(contractPage(trips).text)
  })
})
