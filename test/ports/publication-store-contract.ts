import { beforeEach, expect, it } from 'vitest'
import type { PublicationStore, Publications } from '#lib/domain/features/publish/publications.ts'

/** What every store of publications promises; run on each adapter. `create` gives an empty one. */
export function publicationStoreContract(create: () => Promise<PublicationStore>): void {
  let store: PublicationStore
  beforeEach(async () => {
    store = await create()
  })

  const document = (lastVersion: number): Publications => ({
    byView: {
      'ü "x"': {
        lastVersion,
        building: { run: 'r', version: lastVersion, buffer: 'b', beganAtMs: 7, by: 'ops' },
      },
    },
  })

  it('knows nothing at first, and comes back as it was written', async () => {
    expect(await store.load()).toBeUndefined()

    expect(await store.save(document(1), undefined)).toBe(true)

    expect(await store.load()).toEqual({ publications: document(1), revision: 1 })
  })

  it('is replaced only at the revision that was read', async () => {
    await store.save(document(1), undefined)

    expect(await store.save(document(2), undefined)).toBe(false)
    expect(await store.save(document(2), 1)).toBe(true)
    expect(await store.save(document(3), 1)).toBe(false)

    expect(await store.load()).toEqual({ publications: document(2), revision: 2 })
  })
}
