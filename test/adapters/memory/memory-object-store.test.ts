import { describe } from 'vitest'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { objectRemoverContract } from '#test/ports/object-remover-contract.ts'
import { objectStoreContract } from '#test/ports/object-store-contract.ts'

describe('MemoryObjectStore', () => {
  objectStoreContract(async () => ({
    store: new MemoryObjectStore({ clock: { nowMs: () => 1 } }),
    prefix: 's3://bucket/contract',
  }))
  objectRemoverContract(async () => {
    const store = new MemoryObjectStore({ clock: { nowMs: () => 1 } })
    return { store, remover: store, prefix: 's3://bucket/contract' }
  })
})
