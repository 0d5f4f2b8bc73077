import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { exampleEvent } from '#lib/domain/contract/example/example-event.ts'
import { type TypeModule, typeModule } from '#lib/domain/contract/types/type-module.ts'
import { decode } from '#lib/domain/ingest/decode.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { hostileEvent } from '#test/domain/ingest/decoder/hostile-event.ts'
import { pick, randomContract } from '#test/domain/ingest/decoder/random-contract.ts'
import { record } from '#test/support/trip-events.ts'
import { TypeCheck } from '#test/support/type-check.ts'
import { root } from '#test/support/weir.ts'
import { type RandomContract, randomDocument } from '../random-document.ts'

const COUNT = 80

interface Case extends RandomContract {
  readonly file: string
  readonly types: TypeModule
}

function casesOf(make: (random: Random) => RandomContract): readonly Case[] {
  return Array.from({ length: COUNT }, (_, seed) => {
    const random = make(seededRandom(seed, 3))
    return { ...random, file: `types-${seed}.ts`, types: typeModule([random.contract]) }
  })
}

function isAccepted({ contract }: RandomContract, text: string): boolean {
  return decode(contract, unpackRecord(record(1, text)), { shard: 's' }).rejected.length === 0
}

/** A file that is wrong unless the type takes the event. */
function sample({ file, types }: Case, text: string): string {
  return `import type { ${types.majors[0]!.event} as Event } from './${file}'\nexport const event: Event = ${text}\n`
}

/** The event with one member of its data gone, null, or of a type that no field has. */
function damaged(text: string, random: Random): string {
  const event = JSON.parse(text)
  const objects: Record<string, unknown>[] = []
  const collect = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) objects.push(value as Record<string, unknown>)
    for (const member of Object.values(value)) collect(member)
  }
  collect(event.data)
  const object = pick(random, objects)
  const name = pick(random, Object.keys(object))
  const value = pick(random, [undefined, null, [[[[[1]]]]], { x: 1 }, true, 'x', -987_654_321])
  object[name] = value
  return JSON.stringify(event)
}

describe('types of random contracts', () => {
  let cases: readonly Case[] = []
  beforeAll(() => {
    cases = casesOf(randomDocument)
  })

  it('compile, and take the example that the validator accepts', () => {
    const files: Record<string, string> = {}
    for (const one of cases) {
      files[one.file] = one.types.text
      const example = exampleEvent(one.contract, one.document)
      if (example.ok) files[`sample-${one.file}`] = sample(one, example.text)
    }
    const check = new TypeCheck(files)

    const problems = Object.keys(files).flatMap((file) =>
      check.problems(file).map((problem) => `${file}: ${problem}`),
    )
    expect(problems).toEqual([])
    expect(Object.keys(files).length).toBeGreaterThan(1.9 * COUNT)
  })

  it('refuse nothing that the validator accepts, and what is missing or of another type', () => {
    const files: Record<string, string> = {}
    const accepted = new Map<string, boolean>()
    cases.forEach((one, seed) => {
      const random = seededRandom(seed, 4)
      const example = exampleEvent(one.contract, one.document)
      if (!example.ok) return
      files[one.file] = one.types.text
      for (let at = 0; at < 4; at++) {
        const text = damaged(example.text, random)
        const name = `sample-${at}-${one.file}`
        files[name] = sample(one, text)
        accepted.set(name, isAccepted(one, text))
      }
    })
    const check = new TypeCheck(files)

    const wrong = [...accepted].flatMap(([name, isGood]) => {
      const problems = check.problems(name)
      if (isGood) return problems.length === 0 ? [] : [`${files[name]}: ${problems.join()}`]
      return []
    })
    const refused = [...accepted].filter(
      ([name, isGood]) => !isGood && check.problems(name).length > 0,
    )
    const unseen = [...accepted].filter(
      ([name, isGood]) => !isGood && check.problems(name).length === 0,
    )
    expect(wrong).toEqual([])
    // A constraint of a text or a number is no type: what breaks one is the validator's to refuse.
    expect(refused.length).toBeGreaterThan(3 * unseen.length)
  })

  it('take every event that the validator accepts, however it is written', () => {
    const files: Record<string, string> = {}
    const plain = casesOf((random) => ({ contract: randomContract(random), document: null }))
    let accepted = 0
    plain.forEach((one, seed) => {
      files[one.file] = one.types.text
      const random = seededRandom(seed, 5)
      for (let at = 0; at < 3; at++) {
        const text = hostileEvent(one.contract, random, {
          unusual: 0.3,
          shuffled: 0.5,
          spaced: 0.5,
        })
        if (!isAccepted(one, text)) continue
        accepted++
        files[`sample-${at}-${one.file}`] = sample(one, text)
      }
    })
    const check = new TypeCheck(files)

    const problems = Object.keys(files).flatMap((file) =>
      check.problems(file).map((problem) => `${files[file]}: ${problem}`),
    )
    expect(problems).toEqual([])
    expect(accepted).toBeGreaterThan(COUNT / 2)
  })

  it('hold no text of a contract but as comments and literals', () => {
    const check = new TypeCheck(
      Object.fromEntries(cases.map(({ file, types }) => [file, types.text])),
    )
    const said = new Set<string>()
    for (const { file, types } of cases) {
      const source = check.source(file)
      const visit = (node: ts.Node): void => {
        for (const tag of ts.getJSDocTags(node)) said.add(`tag ${tag.tagName.text}`)
        node.forEachChild(visit)
      }
      visit(source)
      for (const statement of source.statements) said.add(ts.SyntaxKind[statement.kind]!)
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      if (/[\u0000-\u0009\u000b-\u001f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/.test(types.text)) {
        said.add('something unseen')
      }
    }

    expect([...said].toSorted()).toEqual([
      'FirstStatement', // the one const, which is declared only
      'InterfaceDeclaration',
      'TypeAliasDeclaration',
    ])
    const all = cases.map(({ types }) => types.text).join('')
    for (const text of [
      '😀 東京 é',
      'a | b || c',
      '\\@deprecated do not',
      '*\\/',
      '\\u202e round',
    ]) {
      expect(all).toContain(text)
    }
  })

  it('are laid out as the project lays out its own', () => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-types-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    for (const { file, types } of cases) writeFileSync(join(folder, file), types.text)
    const { formatter, javascript } = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8'))
    writeFileSync(
      join(folder, 'biome.json'),
      JSON.stringify({ formatter, javascript, json: { formatter: { enabled: false } } }),
    )

    const biome = join(root, 'node_modules/.bin/biome')
    const run = () => execFileSync(biome, ['format', '.'], { cwd: folder, stdio: 'pipe' })
    expect(run).not.toThrow()
  })

  it('are equal for equal contracts', () => {
    for (const { contract, types } of cases) {
      expect(typeModule([structuredClone(contract)]).text).toBe(types.text)
    }
  })
})
