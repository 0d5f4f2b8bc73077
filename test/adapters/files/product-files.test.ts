import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadProducts } from '#lib/adapters/files/product-files.ts'

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
