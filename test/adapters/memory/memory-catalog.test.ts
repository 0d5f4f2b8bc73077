import { describe, expect, it } from 'vitest'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { catalogContract } from '#test/ports/catalog-contract.ts'

describe('MemoryCatalog', () => {
  catalogContract(async () => {
    const catalog = new MemoryCatalog()
    return { catalog, remover: catalog, database: 'cell' }
  })

  it('keeps tables of one name in two databases apart', async () => {
    const catalog = new MemoryCatalog()
    const input = { location: 's3://lake/t', schema: { fields: [] } }
    await catalog.create({ database: 'a', name: 't' }, { ...input, metadataLocation: 's3://a' })

    expect(await catalog.load({ database: 'b', name: 't' })).toBeUndefined()
  })
})
