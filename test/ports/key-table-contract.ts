import { beforeEach, expect, it } from 'vitest'
import type { KeyTable, SubjectRecord } from '#lib/domain/privacy/key-table.ts'

/** What every key table promises; run on each adapter. `create` gives an empty one. */
export function keyTableContract(create: () => Promise<KeyTable>): void {
  let table: KeyTable
  beforeEach(async () => {
    table = await create()
  })

  const record = (lookup: string, token = `token of ${lookup}`): SubjectRecord => ({
    lookup,
    token,
    version: 1,
    branch: '2026-01',
    wrapped: Uint8Array.of(0, 1, 254, 255),
  })
  const plain = (state: unknown) => JSON.parse(JSON.stringify(state, bytesAsLists))
  const bytesAsLists = (_: string, value: unknown) =>
    value instanceof Uint8Array ? [...value] : value

  it('knows nobody at first', async () => {
    expect(await table.subjects(['a', 'b'])).toEqual([])
    expect(await table.lookupOf('token of a')).toBeUndefined()
    expect(await table.branch('2026-01')).toBeUndefined()
  })

  it('gives back what was made, by person and by token', async () => {
    expect(plain(await table.createSubject(record('a')))).toEqual(plain(record('a')))

    expect(plain(await table.subjects(['b', 'a']))).toEqual([plain(record('a'))])
    expect(await table.lookupOf('token of a')).toBe('a')
  })

  it('makes one key per person: who comes second gets that of the first', async () => {
    await table.createSubject(record('a'))

    const second = await table.createSubject(record('a', 'other token'))

    expect(plain(second)).toEqual(plain(record('a')))
    expect(plain(await table.subjects(['a']))).toEqual([plain(record('a'))])
  })

  it('answers for hundreds of people at once', async () => {
    const lookups = Array.from({ length: 230 }, (_, i) => `person ${i}`)
    for (const lookup of lookups) await table.createSubject(record(lookup))

    const found = await table.subjects([...lookups, 'nobody'])

    expect(found.map(({ lookup }) => lookup).sort()).toEqual([...lookups].sort())
  })

  it('makes a branch key once', async () => {
    const first = { id: '2026-01', wrapped: Uint8Array.of(1) }

    expect(plain(await table.createBranch(first))).toEqual(plain(first))
    expect(plain(await table.createBranch({ ...first, wrapped: Uint8Array.of(2) }))).toEqual(
      plain(first),
    )
    expect(plain(await table.branch('2026-01'))).toEqual(plain(first))
  })

  it('destroys a key and its token, and makes no other for the person', async () => {
    await table.createSubject(record('a'))
    await table.createSubject(record('b'))
    const tombstone = { lookup: 'a', erasedAt: '2026-01-02T00:00:00.000Z' }

    expect(plain(await table.erase(tombstone))).toEqual(plain(record('a')))

    expect(await table.subjects(['a'])).toEqual([tombstone])
    expect(await table.lookupOf('token of a')).toBeUndefined()
    expect(await table.createSubject(record('a', 'again'))).toEqual(tombstone)
    expect(await table.subjects(['a'])).toEqual([tombstone])
    expect(plain(await table.subjects(['b']))).toEqual([plain(record('b'))])
    expect(await table.lookupOf('token of b')).toBe('b')
  })

  it('erases once: a tombstone stays as it is, also of somebody who never had a key', async () => {
    const tombstone = { lookup: 'a', erasedAt: '2026-01-02T00:00:00.000Z' }

    expect(await table.erase(tombstone)).toBeUndefined()
    expect(await table.erase({ ...tombstone, erasedAt: '2027-01-01T00:00:00.000Z' })).toEqual(
      tombstone,
    )
    expect(await table.subjects(['a'])).toEqual([tombstone])
  })
}
