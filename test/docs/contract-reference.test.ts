import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { loadProduct } from '#lib/adapters/files/product-files.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { localMicros } from '#lib/domain/contract/time-text.ts'
import { typeModule } from '#lib/domain/contract/types/type-module.ts'
import { decodeByVersion } from '#lib/domain/ingest/decode-by-version.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { localToUtc } from '#lib/domain/kernel/local-time.ts'
import { parseExact, stringifyExact } from '#lib/domain/lake/exact-json.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'
import { commandProblem } from '#test/support/command-line.ts'
import {
  type CodeBlock,
  codeBlocks,
  markedTable,
  withTable,
} from '#test/support/markdown-blocks.ts'
import { TestProject } from '#test/support/project.ts'
import { record } from '#test/support/trip-events.ts'
import { TypeCheck } from '#test/support/type-check.ts'
import { root } from '#test/support/weir.ts'
import { type FileEvent, readEvents } from '../../bin/commands/event-file.ts'
import { REFERENCE_TABLES } from './reference-tables.ts'

const PATH = join(root, 'docs/contract.md')
const PAGE = readFileSync(PATH, 'utf8')
const BLOCKS = codeBlocks(PAGE)

/** Values, rows or changes that are accepted, and those that are rejected by their reasons. */
interface Verdicts {
  readonly accepted: readonly unknown[]
  readonly rejected: Readonly<Record<string, readonly unknown[]>>
}

function titled(title: string): string {
  const block = BLOCKS.find((one) => one.info === `title="${title}"`)
  if (block === undefined) throw new Error(`the page has no ${title}`)
  return block.text
}

function blocksOf(language: string, info: string): CodeBlock[] {
  const found = BLOCKS.filter((one) => one.language === language && one.info === info)
  expect(found.length).toBeGreaterThan(0)
  return found
}

/** The block that follows another one. */
function next(block: CodeBlock): CodeBlock {
  return BLOCKS[BLOCKS.indexOf(block) + 1]!
}

function reasonOf(contract: Contract, data: unknown, attributes: object = {}): string {
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/docs',
    type: contract.eventType,
    ...attributes,
    data,
  }
  return reasonOfText(contract, stringifyExact(event))
}

function reasonOfText(contract: Contract, text: string): string {
  const inForce = versionsOf([contract]).inForce(contract.version)
  const { rejected } = decodeByVersion(inForce, unpackRecord(record(1, text)), { shard: 's' })
  return rejected[0]?.reason ?? 'accepted'
}

/** Holds what the page says of values against the validator. */
function expectVerdicts(text: string, reasonFor: (value: unknown) => string): void {
  const { accepted, rejected } = parseExact(text) as Verdicts
  for (const value of accepted) {
    expect([stringifyExact(value), reasonFor(value)]).toEqual([stringifyExact(value), 'accepted'])
  }
  for (const [reason, values] of Object.entries(rejected)) {
    for (const value of values) {
      expect([stringifyExact(value), reasonFor(value)]).toEqual([stringifyExact(value), reason])
    }
  }
}

const AT = { at: '2026-01-31T18:00:00Z', key: 'k' }

function fieldIn(block: CodeBlock) {
  const [property] = parseYaml(block.text)
  return { property, contract: contractWith([property]) }
}

describe('docs/contract.md', () => {
  it('has no example in YAML, TypeScript or JSON that is not held against the code', () => {
    const known = [
      /^title="[a-z./]+"$/,
      /^(?:field|values|rules|rows|utc|generated)$/,
      /^(?:event|contract|changes|line)=\w+$/,
    ]
    const unknown = BLOCKS.filter(
      ({ language, info }) => language !== 'sh' && !known.some((one) => one.test(info)),
    )

    expect(unknown.map(({ line, language, info }) => `${line}: ${language} ${info}`)).toEqual([])
    expect(BLOCKS.length).toBeGreaterThan(40)
  })

  it('has its tables as the code has them (vitest -u writes them)', async () => {
    let page = PAGE
    for (const [name, table] of Object.entries(REFERENCE_TABLES)) {
      page = withTable(page, name, table)
    }

    await expect(page).toMatchFileSnapshot(PATH)
  })

  it('has commands that the program takes', async () => {
    const lines = BLOCKS.filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.trimEnd().split('\n'))
      .concat(...Array.from(PAGE.matchAll(/`(npm run -s weir -- [^`]+)`/g), ([, line]) => line!))

    for (const line of lines) expect([line, await commandProblem(line)]).toEqual([line, undefined])
  })

  it('links to headings that it has', () => {
    const headings = Array.from(PAGE.matchAll(/^#+ (.*)$/gm), ([, text]) =>
      text!
        .toLowerCase()
        .replace(/[^\w -]/g, '')
        .replaceAll(' ', '-'),
    )
    const links = Array.from(PAGE.matchAll(/\]\(#([^)]*)\)/g), ([, link]) => link!)

    expect(links.filter((link) => !headings.includes(link))).toEqual([])
  })
})

describe('the types in docs/contract.md', () => {
  it.each(blocksOf('yaml', 'field').map((block) => [block.line, block] as const))(
    'are as the field in line %i says',
    (_line, block) => {
      const { property, contract } = fieldIn(block)
      const values = next(block)

      expect([values.language, values.info]).toEqual(['json', 'values'])
      expectVerdicts(values.text, (value) => reasonOf(contract, { ...AT, [property.name]: value }))
    },
  )

  it('have the widths of integers', () => {
    const rows = markedTable(PAGE, 'integers').trimEnd().split('\n').slice(2)

    expect(rows).toHaveLength(7)
    for (const row of rows) {
      const [format, from, to, column] = row
        .split('|')
        .slice(1)
        .map((cell) => cell.trim())
      const name = format!.replaceAll('`', '')
      const contract = contractWith([
        field('n', 'integer', 20, { logicalTypeOptions: { format: name } }),
      ])
      const verdict = (value: bigint) => reasonOf(contract, { ...AT, n: value })

      expect([verdict(BigInt(from!)), verdict(BigInt(to!))]).toEqual(['accepted', 'accepted'])
      expect(verdict(BigInt(from!) - 1n)).not.toBe('accepted')
      expect(verdict(BigInt(to!) + 1n)).not.toBe('accepted')
      const kind = contract.fields.at(-1)?.type.kind
      expect(column).toBe(kind === 'long' ? '`bigint`' : '`int`')
    }
    expect(contractWith([field('n', 'integer', 20)]).fields.at(-1)?.type.kind).toBe('int')
  })

  it('read local times as the page says', () => {
    const [block] = blocksOf('json', 'utc')
    const owner = BLOCKS.slice(0, BLOCKS.indexOf(block!)).findLast(({ info }) => info === 'field')!
    const { contract } = fieldIn(owner)
    const type = contract.fields.at(-1)!.type as { localZone: string }

    for (const [local, utc] of Object.entries(JSON.parse(block!.text) as object)) {
      const micros = localMicros(local, localToUtc(type.localZone)) as bigint
      expect([local, new Date(Number(micros / 1000n)).toISOString()]).toEqual([local, utc])
    }
  })
})

describe('the rules in docs/contract.md', () => {
  it('are kept and broken as the page says', () => {
    const [block] = blocksOf('yaml', 'rules')
    const fields = [
      field('picked_up', 'timestamp', 20),
      field('delivered', 'timestamp', 21),
      field('paid', 'number', 22, { physicalType: 'decimal(8, 2)' }),
      field('channel', 'string', 23),
    ]
    const contract = contractWith(fields, { quality: parseYaml(block!.text) })

    expect(next(block!).info).toBe('rows')
    expectVerdicts(next(block!).text, (row) => reasonOf(contract, { ...AT, ...(row as object) }))
  })
})

describe('changes of rows in docs/contract.md', () => {
  it('are accepted and rejected as the page says', () => {
    const [yaml] = blocksOf('yaml', 'contract=accounts')
    const [json] = blocksOf('json', 'changes=accounts')
    const parsed = parseContract(yaml!.text, { file: 'accounts' })
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message)

    expectVerdicts(json!.text, (data) => reasonOf(parsed.contract, data))
  })
})

describe('the first product in docs/contract.md', () => {
  const FILES = ['contract.yaml', 'features.ts', 'source.ts'].map(
    (file) => `products/rides/${file}`,
  )
  const project = () =>
    new TestProject({
      ...Object.fromEntries(FILES.map((file) => [file, titled(file)])),
      'rides.ndjson': titled('rides.ndjson'),
      'rides.csv': titled('rides.csv'),
    })

  /** What is sent of a file, and what the lake says to each event. */
  async function sent(here: TestProject, file: string) {
    const product = await loadProduct(here.root, 'rides')
    const problems: string[] = []
    const events: FileEvent[] = []
    const observer = {
      onProblem: (_: number, problem: string) => problems.push(problem),
      onProgress() {},
    }
    for await (const event of await readEvents(product, join(here.root, file), observer)) {
      events.push(event)
    }
    expect(problems).toEqual([])
    return {
      product,
      events,
      reasons: events.map(({ text }) => reasonOfText(product.contract, text)),
    }
  }

  it('is valid, with all its files', async () => {
    const here = project()

    expect(await here.weir('contract', 'check', 'rides')).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('rides 1.0.0 is valid'),
    })
    expect(await loadProduct(here.root, 'rides')).toMatchObject({
      views: [{ name: 'station-rides' }],
      csv: { source: '/bikes/export' },
    })
  })

  it('is as small as it can be', () => {
    const lines = titled('products/rides/contract.yaml').trimEnd().split('\n')
    const mayGo = lines.filter(
      (_, at) => parseContract(lines.toSpliced(at, 1).join('\n'), { file: 'x' }).ok,
    )

    // Without these the fields would say less, or accept more; every other line must be there.
    expect([...new Set(mayGo.map((line) => line.trim().split(':')[0]))].toSorted()).toEqual([
      'description',
      'metric',
      'mustBe',
      'partitioned',
      'required',
      'validValues',
    ])
  })

  it('compiles', () => {
    const check = new TypeCheck(
      Object.fromEntries(
        FILES.filter((file) => file.endsWith('.ts')).map((file) => [file, titled(file)]),
      ),
      ['node'],
    )

    expect(
      FILES.filter((file) => file.endsWith('.ts')).flatMap((file) => check.problems(file)),
    ).toEqual([])
  })

  it('takes the lines of its files, and rejects what the page says', async () => {
    const here = project()

    expect((await sent(here, 'rides.ndjson')).reasons).toEqual([
      'accepted',
      'accepted',
      'price.belowMinimum',
    ])
    expect((await sent(here, 'rides.csv')).reasons).toEqual(['accepted', 'accepted'])
  })

  it('gives a line an identity as the page says', async () => {
    const here = project()
    const [block] = blocksOf('json', 'line=1')
    const {
      events: [first],
    } = await sent(here, 'rides.ndjson')
    const shown = JSON.parse(block!.text)

    expect({ ...JSON.parse(first!.text) }).toEqual({ ...shown, id: first!.id })
    expect(shown.id).toBe(first!.id)
    expect([first!.source, first!.partitionKey]).toEqual(['/weir/send/rides', '7'])

    const [line] = titled('rides.ndjson').split('\n')
    const idless =
      '{"specversion":"1.0","source":"/s","type":"com.example.ride.finished","data":{}}'
    here.write('rides.ndjson', [line, ` ${line}`, line!.replace(', ', ',  '), idless].join('\n'))
    const { events, reasons } = await sent(here, 'rides.ndjson')
    expect(events.map(({ id }) => id === first!.id)).toEqual([true, true, false, false])
    expect(reasons).toEqual(['accepted', 'accepted', 'accepted', 'event.id'])
  })

  it('has the event of the page, with members that it does not know', async () => {
    const { contract } = await loadProduct(project().root, 'rides')
    const [block] = blocksOf('json', 'event=rides')
    const event = JSON.parse(block!.text)

    expect(reasonOfText(contract, block!.text)).toBe('accepted')
    expect(reasonOf(contract, { ...event.data, colour: 'red' })).toBe('accepted')
    expect(reasonOf(contract, event.data, { dataschema: 'urn:weir:rides:2' })).toBe('event.version')
    expect(reasonOf(contract, event.data, { dataschema: 'https://example.com/x' })).toBe('accepted')
  })

  it('has the types that the page shows', async () => {
    const product: Product = await loadProduct(project().root, 'rides')
    const [block] = blocksOf('ts', 'generated')

    expect(typeModule([product.contract]).text).toContain(block!.text)
  })
})
