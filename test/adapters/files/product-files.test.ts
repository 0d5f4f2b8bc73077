import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadProduct, loadProducts } from '#lib/adapters/files/product-files.ts'

const TRIPS = readFileSync('products/trips/contract.yaml', 'utf8')

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'products-'))
  mkdirSync(join(root, 'products/trips/past-contracts'), { recursive: true })
})
afterEach(() => rmSync(root, { recursive: true }))

function write(file: string, version: string): void {
  const text = TRIPS.replace('version: "1.0.0"', `version: "${version}"`)
  writeFileSync(join(root, 'products/trips', file), text)
}

describe('earlier versions of a contract', () => {
  it('come with the product, oldest first by number', async () => {
    write('contract.yaml', '1.11.0')
    for (const version of ['1.10.0', '1.9.0', '1.2.0']) {
      write(`past-contracts/${version}.yaml`, version)
    }

    const [product] = await loadProducts(root)

    const versions = ['1.2.0', '1.9.0', '1.10.0', '1.11.0']
    expect(product?.contract.version).toBe('1.11.0')
    expect(product?.sources.map(({ contract }) => contract.version)).toEqual(versions)
    expect(product?.documents).toMatchObject(versions.map((version) => ({ version })))
  })

  it.each([
    ['the version of one of them', '1.2.0'],
    ['an older version', '1.1.0'],
  ])('refuse a contract with %s', async (_case, version) => {
    write('contract.yaml', version)
    write('past-contracts/1.2.0.yaml', '1.2.0')

    await expect(loadProducts(root)).rejects.toThrow(
      `give the new contract a newer one than ${version}`,
    )
  })

  it('are named by their versions', async () => {
    write('contract.yaml', '1.2.0')
    write('past-contracts/first.yaml', '1.0.0')

    await expect(loadProducts(root)).rejects.toThrow('name it trips/past-contracts/1.0.0.yaml')
  })
})

describe('a product folder', () => {
  beforeEach(() => write('contract.yaml', '1.0.0'))

  const addFolder = (name: string, files: Readonly<Record<string, string>> = {}) => {
    const folder = join(root, 'products', name)
    mkdirSync(folder, { recursive: true })
    for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  }

  it('without a contract is named, with what to do', async () => {
    addFolder('rides')

    await expect(loadProducts(root)).rejects.toThrow(
      /products\/rides\/contract\.yaml:1:1: a product is a folder with a contract: write this file, or remove the folder$/,
    )
  })

  it('does not stand in the way of another one', async () => {
    addFolder('rides', { 'contract.yaml': 'apiVersion: [' })

    await expect(loadProduct(root, 'trips')).resolves.toMatchObject({ name: 'trips' })
    await expect(loadProduct(root, 'rides')).rejects.toThrow(
      /rides\/contract\.yaml:1:\d+: not plain/,
    )
  })

  it('that is hidden is none', async () => {
    addFolder('.cache')

    await expect(loadProducts(root)).resolves.toHaveLength(1)
  })

  it('is refused with every problem of every product', async () => {
    addFolder('rides', { 'contract.yaml': 'apiVersion: [' })
    addFolder('walks')

    await expect(loadProducts(root)).rejects.toThrow(/rides\/contract.*\n.*walks\/contract/)
  })

  it.each<[string, string, string, RegExp]>([
    ['features that no view is in', 'features.ts', 'export const vews = []', /exports no "views"/],
    ['views that are no list', 'features.ts', 'export const views = {}', /must be a list of views/],
    ['a view that is none', 'features.ts', 'export const views = [1]', /must be a list of views/],
    ['features that do not run', 'features.ts', 'throw new Error("x\\ny")', /cannot be loaded: x$/],
    ['a source without a form', 'source.ts', 'export const cvs = {}', /exports no "csv"/],
    [
      'a view that the contract does not fit, in its line',
      'features.ts',
      "export const views = [\n  {\n    name: 'by-colour',\n    key: 'colour',\n  },\n]\n",
      /features\.ts:3:1: trips: view "by-colour": key "colour" is not a field/,
    ],
  ])('is refused with %s', async (_case, file, text, problem) => {
    addFolder('trips', { [file]: text })

    await expect(loadProduct(root, 'trips')).rejects.toThrow(problem)
  })

  it('is named as its contract', async () => {
    addFolder('rides', { 'contract.yaml': TRIPS })

    await expect(loadProduct(root, 'rides')).rejects.toThrow(
      /rides\/contract\.yaml:8:1: the contract names product "trips", its folder "rides"/,
    )
  })
})
