import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import { contractPage } from '#lib/domain/contract/page/contract-page.ts'
import { plainText } from '#lib/domain/contract/plain-text.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { ensureVenv } from '#local/local-cloud.ts'
import { contractDocument, field } from '#test/domain/contract/contract-document.ts'
import { HOSTILE_TEXTS, randomDocument } from '#test/domain/contract/random-document.ts'
import { codeBlocks } from '#test/support/markdown-blocks.ts'
import { root, run } from '#test/support/weir.ts'

const folder = mkdtempSync(join(tmpdir(), 'weir-contracts-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

let python = ''
beforeAll(async () => {
  python = await ensureVenv(
    process.env.WEIR_VENV_CACHE || join(root, '.weir'),
    join(root, 'test/local/datacontract-requirements.txt'),
  )
})

/** Every contract of the project: of products, of tests, of the contract reference. */
function contracts(): Map<string, string> {
  const patterns = ['products/**/*.yaml', 'test/fixtures/**/contract.yaml']
  const files = globSync(patterns, { cwd: root }).sort()
  const found = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]))
  const blocks = codeBlocks(readFileSync(join(root, 'docs/contract.md'), 'utf8'))
  const yaml = blocks.filter(({ language }) => language === 'yaml')
  const isPart = ({ info }: (typeof yaml)[number]) => info === 'field' || info === 'rules'
  for (const block of yaml) {
    if (!isPart(block)) found.set(`docs/contract.md:${block.line}`, block.text)
  }
  // A document of JSON is one of YAML, too.
  const parts = (info: string) =>
    yaml.filter((one) => one.info === info).flatMap((one) => parseYaml(one.text))
  const whole = contractDocument(parts('field'), { quality: parts('rules') })
  return found.set('docs/contract.md, fields and rules', JSON.stringify(whole))
}

describe('a contract of Weir, to other tools', () => {
  const lint = (name: string, text: string) => {
    const file = join(folder, `${name.replace(/\W+/g, '-')}.yaml`)
    writeFileSync(file, text)
    return run(join(dirname(python), 'datacontract'), ['lint', file])
  }

  it('passes `datacontract lint`', async () => {
    const all = contracts()

    expect([...all.keys()].map((name) => name.replace(/\d+$/, 'n'))).toEqual([
      'products/fraud/contract.yaml',
      'products/surge/contract.yaml',
      'products/trips/contract.yaml',
      'test/fixtures/customers/contract.yaml',
      'test/fixtures/orders/contract.yaml',
      'docs/contract.md:n',
      'docs/contract.md:n',
      'docs/contract.md, fields and rules',
    ])
    for (const [name, text] of all) {
      const { exitCode, stdout } = await lint(name, text)
      expect([name, exitCode, exitCode === 0 ? '' : stdout]).toEqual([name, 0, ''])
    }
  })

  it('is refused by it if it says something else', async () => {
    const trips = contracts().get('products/trips/contract.yaml')!

    const { exitCode } = await lint(
      'wrong',
      trips.replace('logicalType: integer', 'logicalType: int'),
    )

    expect(exitCode).toBe(1)
  })

  /** The public JSON schema as the linter carries it, with a validator that is not the linter's. */
  const validator = () => {
    const venv = join(dirname(python), '..')
    const schema = 'lib/python*/site-packages/datacontract/schemas/odcs-3.1.0.schema.json'
    const [file] = globSync(schema, { cwd: venv })
    const text = readFileSync(join(venv, file!), 'utf8')
    return new Ajv2019({ strict: false, validateFormats: false }).compile(JSON.parse(text))
  }

  it('is valid by the public JSON schema of ODCS 3.1.0, and so are random ones', () => {
    const validate = validator()
    const problems = (document: JsonValue) => (validate(document) ? [] : validate.errors)

    for (const [name, text] of contracts())
      expect([name, problems(parseYaml(text))]).toEqual([name, []])
    for (let seed = 1; seed <= 200; seed++) {
      const { document } = randomDocument(seededRandom(seed, 9))
      expect([seed, problems(document)]).toEqual([seed, []])
    }
  })

  it('is not valid by it if it says something else', () => {
    const validate = validator()

    expect(validate(contractDocument([], { top: { kind: 'Contract' } }))).toBe(false)
    expect(validate(contractDocument([field('x', 'int', 20)]))).toBe(false)
  })
})

/** A block of a page: what it is, and what is in it, each part with its kind. */
type Block = readonly [tag: string, spans: readonly (readonly [kind: string, text: string])[]]

describe('the page of a contract, to a parser of Markdown', () => {
  const parse = (
    pages: Readonly<Record<string, string>>,
  ): Readonly<Record<string, readonly Block[]>> => {
    const { status, stdout, stderr } = spawnSync(
      python,
      [join(root, 'test/local/markdown_tokens.py')],
      {
        input: JSON.stringify(pages),
        encoding: 'utf8',
        maxBuffer: 1 << 28,
      },
    )
    expect([status, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }
  const textOf = ([, spans]: Block) =>
    spans.map(([kind, text]) => (/^(?:text|code_inline)$/.test(kind) ? text : '')).join('')

  it('holds every text of the contract as it stands, and no markup of it', () => {
    const random = Array.from({ length: 60 }, (_, seed) => randomDocument(seededRandom(seed, 10)))
    const sources = [...random, ...HOSTILE_TEXTS.map((text) => withTexts(text))]
    const parsed = parse(
      Object.fromEntries(
        sources.map((source, at) => {
          const { product: name } = source.contract
          return [at, contractPage({ name, sources: [source], views: [] }).text]
        }),
      ),
    )

    sources.forEach(({ contract, document }, at) => {
      const blocks = parsed[at]!
      const kinds = new Set(blocks.flatMap(([, spans]) => spans.map(([kind]) => kind)))
      const html = blocks.flatMap(([, spans]) =>
        spans.filter(([kind]) => kind === 'html_inline').map(([, text]) => text),
      )
      expect([...kinds].filter((kind) => !OWN_KINDS.includes(kind))).toEqual([])
      expect(html.filter((text) => !['<code>', '</code>'].includes(text))).toEqual([])
      expect(blocks.filter(([tag]) => tag === 'html_block').map(textOf)).toHaveLength(1)
      expect(blocks.filter(([tag]) => tag === 'h2').map(textOf)).toEqual(
        SECTIONS.filter((title) => title !== 'Rules' || contract.rowRules.length > 0),
      )
      const texts = new Set(blocks.map(textOf))
      expect(texts).toContain(plainText(contract.description))
      const { limitations } = (document as { description: { limitations: string } }).description
      expect(texts).toContain(`What to know. ${plainText(limitations)}`)
      for (const { description } of contract.changes ? [] : contract.fields) {
        expect(texts).toContain(plainText(description))
      }
    })
  })
})

const OWN_KINDS = ['text', 'code_inline', 'strong_open', 'strong_close', 'html_inline']
const SECTIONS = [
  'Send',
  'Fields',
  'Rules',
  'Identity, order and duplicates',
  'Time',
  'Tables',
  'Versions in force',
  'Query',
  'Why an event is rejected',
]

/** A contract that says the text wherever it may say something. */
function withTexts(text: string) {
  const seed = randomDocument(seededRandom(1))
  const document = contractDocument([field('x', 'string', 20, { description: text })], {
    top: { name: text, description: { purpose: text, usage: text, limitations: text } },
  })
  return { ...seed, document, contract: compileContract(document) }
}
