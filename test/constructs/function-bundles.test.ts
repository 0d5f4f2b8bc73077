import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  FunctionBundles,
  type FunctionName,
  PRODUCT_FUNCTIONS,
} from '#lib/constructs/kernel/function-bundles.ts'
import { synth, temporaryDirectory } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'

const root = join(import.meta.dirname, '../..')
const names = Object.keys(PRODUCT_FUNCTIONS) as FunctionName[]
const directory = temporaryDirectory()
let bundles: FunctionBundles

beforeAll(async () => {
  bundles = await FunctionBundles.build(root, directory)
}, 60_000)

describe('the code of the functions', () => {
  it('is built once each, whatever the number of products and cells', () => {
    const products = ['trips', 'fares', 'zones'].map((product) => productOf({ product }))
    const before = built()

    synth({ products, bundles })

    expect(built()).toEqual(before)
    expect(Object.keys(before)).toHaveLength(names.length)
  })

  it('is ready with both cells in less than ten seconds', async () => {
    const takesMs = async () => {
      const started = performance.now()
      const built = await FunctionBundles.build(
        root,
        mkdtempSync(join(temporaryDirectory(), 'timed-')),
      )
      const buildMs = performance.now() - started
      // Processor time of this process, not the clock: other tests run beside this one.
      const before = process.cpuUsage()
      synth({ bundles: built, builtinCloudFormationValidation: true })
      const { user, system } = process.cpuUsage(before)
      return buildMs + (user + system) / 1000
    }
    const times: number[] = []
    // The bundler is a process of its own, and the clock is all that tells of it: the best of a few is what it takes.
    while (times.length < 4 && !times.some((ms) => ms < 10_000)) times.push(await takesMs())

    expect(Math.min(...times)).toBeLessThan(10_000)
  }, 120_000)

  it.each(names)('%s needs nothing but Node beside it', (name) => {
    const code = readFileSync(join(directory, 'functions', name, 'index.mjs'), 'utf8')
    const imported = [
      ...code.matchAll(/(?:^|[;\n}])import\s*(?:[\w*{][^"';]*?from\s*)?["']([^"']+)["']/g),
    ]

    expect(imported.length).toBeGreaterThan(0)
    for (const [, specifier] of imported) expect(isBuiltin(specifier!)).toBe(true)
  })

  it.each(names)('%s starts where there is no project around it', (name) => {
    const folder = join(mkdtempSync(join(temporaryDirectory(), 'alone-')))
    const started = () =>
      execFileSync(
        process.execPath,
        // Node itself would print the line that threw: of a minified bundle that is all of it.
        ['--input-type=module', '-e', `${importing(entry(name))}.catch(${FAIL})`],
        { cwd: folder, env: {}, encoding: 'utf8', stdio: 'pipe' },
      )

    // As far as its own check of the environment: everything that it imports is there.
    expect(started).toThrow(/environment: .*WEIR_CELL/)
  })
})

describe('what is deployed as one function', () => {
  it('is its code and its product, without the source map', () => {
    const product = productOf()
    const folder = bundles.stage('archive-events', product)

    expect(readdirSync(folder).sort()).toEqual(['index.mjs', 'product.json'])
    expect(JSON.parse(readFileSync(join(folder, 'product.json'), 'utf8'))).toEqual({
      documents: product.documents,
      views: product.views,
    })
    expect(statSync(join(folder, 'index.mjs')).mode & 0o444).toBe(0o444)
  })

  it('stays where it is while nothing changes, and moves when its product does', () => {
    const product = productOf()
    const folder = bundles.stage('get-features', product)

    expect(bundles.stage('get-features', product)).toBe(folder)
    expect(bundles.stage('get-features', { ...product, documents: [] })).not.toBe(folder)
  })
})

/** When each bundle was written. */
function built(): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, statSync(entry(name)).mtimeMs]))
}

function entry(name: FunctionName): string {
  return join(directory, 'functions', name, 'index.mjs')
}

const FAIL = '(error) => { console.error(error.message); process.exitCode = 1 }'

function importing(file: string): string {
  return `await import(${JSON.stringify(file)})`
}
