import { expect, it } from 'vitest'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'

/** What every object remover promises; run on each adapter. */
export function objectRemoverContract(
  create: () => Promise<{
    readonly store: ObjectStore
    readonly remover: ObjectRemover
    readonly prefix: string
  }>,
): void {
  it('removes just the objects that are named, however many and whatever their names', async () => {
    const { store, remover, prefix } = await create()
    const names = Array.from({ length: 1005 }, (_, at) => `${prefix}/many/${at}`)
    const odd = `${prefix}/date=2019-01-03/00 ü+%20&=?#.bin`
    for (const uri of [...names, odd, `${prefix}/many/1x`]) await store.put(uri, new Uint8Array(1))

    await remover.remove([...names.slice(1), odd])

    const left: string[] = []
    for await (const { uri } of store.list(`${prefix}/`)) left.push(uri)
    expect(left).toEqual([`${prefix}/many/0`, `${prefix}/many/1x`])
    await expect(store.get(odd)).rejects.toMatchObject({ code: 'objects.notFound' })
  })

  it('takes one that is not there for removed', async () => {
    const { remover, prefix } = await create()

    await remover.remove([`${prefix}/nowhere`])
    await remover.remove([])
  })
}
