import { beforeEach, expect, it } from 'vitest'
import type { GenerationStore } from '#lib/domain/process/generations/generation-store.ts'
import type { Generations } from '#lib/domain/process/generations/generations.ts'

/** What every store of generations promises; run on each adapter. `create` gives an empty one. */
export function generationStoreContract(create: () => Promise<GenerationStore>): void {
  let store: GenerationStore
  beforeEach(async () => {
    store = await create()
  })

  const live = (name: string): Generations => ({
    live: name,
    byName: { [name]: { state: 'following', createdAtMs: 5, from: -1_000_000 } },
    switches: [{ from: 'a', to: name, atMs: 7, reason: 'ü "x"' }],
  })

  it('knows nothing at first, and comes back as it was written', async () => {
    expect(await store.load()).toBeUndefined()

    expect(await store.save(live('v1'), undefined)).toBe(true)

    expect(await store.load()).toEqual({ generations: live('v1'), revision: 1 })
  })

  it('is replaced only at the revision that was read', async () => {
    await store.save(live('v1'), undefined)

    expect(await store.save(live('v2'), undefined)).toBe(false)
    expect(await store.save(live('v2'), 1)).toBe(true)
    expect(await store.save(live('v3'), 1)).toBe(false)

    expect(await store.load()).toEqual({ generations: live('v2'), revision: 2 })
  })
}
