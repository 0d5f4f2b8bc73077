import { beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore, ObjectSummary } from '#lib/domain/kernel/object-store.ts'

const body = (text: string) => new TextEncoder().encode(text)

/** What every object store promises; run on each adapter. `create` gives a store and an empty prefix in it. */
export function objectStoreContract(
  create: () => Promise<{ readonly store: ObjectStore; readonly prefix: string }>,
): void {
  let store: ObjectStore
  let prefix: string
  beforeAll(async () => {
    ;({ store, prefix } = await create())
  })

  async function listed(under: string): Promise<readonly ObjectSummary[]> {
    const found: ObjectSummary[] = []
    for await (const summary of store.list(under)) found.push(summary)
    return found
  }

  describe('an object', () => {
    it('comes back byte for byte, also an empty one, under any name', async () => {
      const bytes = Uint8Array.from({ length: 256 }, (_, at) => at)
      const names = ['plain', 'date=2019-01-03/00 ü+%20&=?#.bin', 'empty']

      await store.put(`${prefix}/bytes/${names[0]}`, bytes)
      await store.putIfAbsent(`${prefix}/bytes/${names[1]}`, bytes)
      await store.put(`${prefix}/bytes/${names[2]}`, new Uint8Array())

      expect(await store.get(`${prefix}/bytes/${names[0]}`)).toEqual(bytes)
      expect(await store.get(`${prefix}/bytes/${names[1]}`)).toEqual(bytes)
      expect(await store.get(`${prefix}/bytes/${names[2]}`)).toEqual(new Uint8Array())
      expect((await listed(`${prefix}/bytes/`)).map(({ uri }) => uri)).toEqual(
        names.map((name) => `${prefix}/bytes/${name}`).sort(),
      )
    })

    it('that is not there is objects.notFound', async () => {
      await expect(store.get(`${prefix}/nowhere`)).rejects.toMatchObject({
        code: 'objects.notFound',
        retryable: false,
      })
    })

    it('does not change when the caller reuses its buffers', async () => {
      const mine = body('before')
      await store.put(`${prefix}/reused`, mine)
      mine.fill(0)
      const read = await store.get(`${prefix}/reused`)
      read.fill(0)

      expect(await store.get(`${prefix}/reused`)).toEqual(body('before'))
    })

    it('is replaced by put', async () => {
      await store.put(`${prefix}/replaced`, body('first'))
      await store.put(`${prefix}/replaced`, body('second'), { contentType: 'text/plain' })

      expect(await store.get(`${prefix}/replaced`)).toEqual(body('second'))
    })
  })

  describe('put if absent', () => {
    it('creates once and never changes what is there', async () => {
      const first = await store.putIfAbsent(`${prefix}/once`, body('first'))
      const second = await store.putIfAbsent(`${prefix}/once`, body('second'))
      const same = await store.putIfAbsent(`${prefix}/once`, body('first'))

      expect([first, second, same]).toEqual(['created', 'exists', 'exists'])
      expect(await store.get(`${prefix}/once`)).toEqual(body('first'))
    })

    it('lets exactly one of many rivals create', async () => {
      const rivals = Array.from({ length: 8 }, (_, rival) => `rival ${rival}`)

      const outcomes = await Promise.all(
        rivals.map((rival) => store.putIfAbsent(`${prefix}/raced`, body(rival))),
      )

      expect(outcomes.filter((outcome) => outcome === 'created')).toHaveLength(1)
      expect(await store.get(`${prefix}/raced`)).toEqual(body(rivals[outcomes.indexOf('created')]!))
    })
  })

  describe('a listing', () => {
    it('has what starts with the prefix, in order, with sizes and times', async () => {
      for (const name of ['b', 'a/2', 'a/10', 'c']) {
        await store.put(`${prefix}/listed/${name}`, body(name))
      }

      const all = await listed(`${prefix}/listed/`)
      const some = await listed(`${prefix}/listed/a`)

      expect(all.map(({ uri }) => uri)).toEqual(
        ['a/10', 'a/2', 'b', 'c'].map((name) => `${prefix}/listed/${name}`),
      )
      expect(all.map(({ sizeBytes }) => sizeBytes)).toEqual([4, 3, 1, 1])
      expect(all.every(({ lastModifiedMs }) => lastModifiedMs > 0)).toBe(true)
      expect(some).toHaveLength(2)
      expect(await listed(`${prefix}/listed/none`)).toEqual([])
    })

    it('goes on past the first thousand', async () => {
      const names = Array.from({ length: 1005 }, (_, at) => String(at).padStart(4, '0'))
      for (let at = 0; at < names.length; at += 50) {
        const chunk = names.slice(at, at + 50)
        await Promise.all(chunk.map((name) => store.put(`${prefix}/many/${name}`, body('x'))))
      }

      expect((await listed(`${prefix}/many/`)).map(({ uri }) => uri)).toEqual(
        names.map((name) => `${prefix}/many/${name}`),
      )
    })
  })
}
