import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseResult } from 'dependency-cruiser'
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')
const config = JSON.parse(await readFile(join(root, '.dependency-cruiser.json'), 'utf8'))

const FOLDERS = ['bin', 'lib', 'functions', 'products', 'local', 'scripts']

/** Every import of a tree, held against the rules. */
async function violations(baseDir: string, folders: readonly string[]) {
  const outcome = await cruise(
    [...folders],
    { ...config.options, ruleSet: { forbidden: config.forbidden }, validate: true, baseDir },
    undefined,
    { tsConfig: extractTSConfig(join(root, 'tsconfig.json')) },
  )
  const { summary } = outcome.output as ICruiseResult
  return {
    modules: summary.totalCruised,
    found: summary.violations.map((one) => `${one.rule.name}: ${one.from} → ${one.to}`),
  }
}

describe('imports run one way', () => {
  it('in the whole project', async () => {
    const { modules, found } = await violations(root, FOLDERS)

    expect(modules).toBeGreaterThan(60)
    expect(found).toEqual([])
  })

  describe('and each rule can fail', () => {
    let planted: string
    beforeAll(async () => {
      planted = await mkdtemp(join(tmpdir(), 'weir-architecture-'))
      await symlink(join(root, 'node_modules'), join(planted, 'node_modules'))
      await cp(join(root, 'package.json'), join(planted, 'package.json'))
      await cp(join(root, 'tsconfig.json'), join(planted, 'tsconfig.json'))
    })
    afterAll(() => rm(planted, { recursive: true, force: true }))

    const cases: readonly [rule: string, from: string, imports: string][] = [
      ['domain-is-pure', 'lib/domain/planted.ts', '@aws-sdk/client-s3'],
      ['domain-is-pure', 'lib/domain/planted.ts', 'node:fs'],
      ['domain-is-pure', 'lib/domain/planted.ts', '#lib/adapters/target.ts'],
      ['lake-stands-alone', 'lib/domain/lake/planted.ts', '#lib/domain/ingest/target.ts'],
      ['adapters-know-the-domain-only', 'lib/adapters/planted.ts', '#lib/constructs/target.ts'],
      ['nothing-imports-a-function', 'lib/stacks/planted.ts', '#functions/a/b/handler.ts'],
      ['functions-stand-alone', 'functions/a/c/planted.ts', '#functions/a/b/handler.ts'],
      ['products-know-the-domain-only', 'products/planted/x.ts', '#lib/adapters/target.ts'],
      ['constructs-below-stacks', 'lib/constructs/planted.ts', '#lib/stacks/target.ts'],
      ['stacks-below-bin', 'lib/stacks/planted.ts', '../../bin/target.ts'],
      ['only-bin-and-scripts-know-the-local-cloud', 'lib/adapters/planted.ts', '#local/target.ts'],
      ['everything-resolves', 'lib/adapters/planted.ts', '#lib/adapters/nowhere.ts'],
    ]
    it.each(cases)('%s: %s must not import %s', async (rule, from, imports) => {
      for (const folder of FOLDERS) await mkdir(join(planted, folder), { recursive: true })
      const targets = cases.map(([, , to]) => fileOf(to)).filter((file) => file !== undefined)
      for (const target of targets) {
        if (!target.includes('nowhere')) await write(join(planted, target), 'export const x = 1\n')
      }
      await write(join(planted, from), `import '${imports}'\n`)

      const { found } = await violations(planted, FOLDERS)

      expect(found.some((line) => line.startsWith(`${rule}: ${from}`))).toBe(true)
      await rm(join(planted, from))
    })
  })
})

function fileOf(specifier: string): string | undefined {
  if (specifier.startsWith('#')) return specifier.slice(1)
  return specifier.startsWith('../../') ? specifier.slice(6) : undefined
}

async function write(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
}
