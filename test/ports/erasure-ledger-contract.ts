import { beforeEach, expect, it } from 'vitest'
import type { ErasureLedger } from '#lib/domain/privacy/erasure-ledger.ts'

/** What every ledger of erasures promises; run on each adapter. `create` gives an empty one. */
export function erasureLedgerContract(create: () => Promise<ErasureLedger>): void {
  let ledger: ErasureLedger
  beforeEach(async () => {
    ledger = await create()
  })

  const all = async () => {
    const found = []
    for await (const page of ledger.tombstones()) found.push(...page)
    return found.sort((a, b) => (a.lookup < b.lookup ? -1 : 1))
  }

  it('keeps the first record of an erasure, and lists everybody', async () => {
    const a = { lookup: 'Aperson', erasedAt: '2026-01-01T00:00:00.000Z' }
    const b = { lookup: '-person', erasedAt: '2026-01-02T00:00:00.000Z' }

    expect(await ledger.record(a)).toEqual(a)
    expect(await ledger.record(b)).toEqual(b)
    expect(await ledger.record({ ...a, erasedAt: b.erasedAt })).toEqual(a)

    expect(await all()).toEqual([b, a])
  })

  it('knows the token until everything that is kept by it is gone', async () => {
    const a = { lookup: 'a', erasedAt: '2026-01-01T00:00:00.000Z' }
    await ledger.record({ ...a, token: 'token' })

    expect(await ledger.record(a)).toEqual({ ...a, token: 'token' })
    expect(await all()).toEqual([a])
    await ledger.settle('a')

    expect(await ledger.record({ ...a, token: 'token' })).toEqual(a)
  })

  it('places, replaces and lifts a hold', async () => {
    expect(await ledger.hold('a')).toBeUndefined()
    expect(await ledger.liftHold('a')).toBe(false)
    await ledger.placeHold({ lookup: 'a', reason: 'court', since: '2026-01-01' })
    await ledger.placeHold({ lookup: 'a', reason: 'audit', since: '2026-01-02' })

    expect(await ledger.hold('a')).toEqual({ lookup: 'a', reason: 'audit', since: '2026-01-02' })
    expect(await ledger.hold('b')).toBeUndefined()
    expect(await ledger.liftHold('a')).toBe(true)
    expect(await ledger.hold('a')).toBeUndefined()
  })

  it('has one certificate of each number', async () => {
    expect(await ledger.lastCertificate()).toBeUndefined()
    for (let number = 1; number <= 11; number++) {
      expect(await ledger.appendCertificate({ number, hash: `hash ${number}` })).toBe(true)
    }

    expect(await ledger.appendCertificate({ number: 11, hash: 'other' })).toBe(false)
    expect(await ledger.lastCertificate()).toEqual({ number: 11, hash: 'hash 11' })
    expect(await ledger.certificate(2)).toEqual({ number: 2, hash: 'hash 2' })
    expect(await ledger.certificate(12)).toBeUndefined()
  })
}
