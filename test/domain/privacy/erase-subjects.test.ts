import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { MemoryErasureLedger } from '#lib/adapters/memory/memory-erasure-ledger.ts'
import { MemoryKeyTable } from '#lib/adapters/memory/memory-key-table.ts'
import {
  type CertificateSigner,
  hashOf,
  parseCertificate,
} from '#lib/domain/privacy/certificate.ts'
import {
  certificateFaults,
  type ErasureDependencies,
  eraseAgain,
  eraseSubjects,
} from '#lib/domain/privacy/erase-subjects.ts'
import { rideText, SealedCell } from '#test/support/sealed-product.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const signer: CertificateSigner = {
  sign: async (message) => sign('sha256', Buffer.from(message), privateKey).toString('base64'),
  verifies: async (message, signature) =>
    verify('sha256', Buffer.from(message), publicKey, Buffer.from(signature, 'base64')),
}

function erasureIn(cell: SealedCell, changed: Partial<ErasureDependencies> = {}) {
  const subjects = cell.keys.subjects()
  return {
    cell: 'cell',
    table: cell.keys.table,
    ledger: new MemoryErasureLedger(),
    signer,
    clock: cell.clock,
    sleep: async (ms: number) => {
      cell.clock.ms += ms
    },
    lookupOf: (kind: string, subject: string) => subjects.lookupOf(kind, subject),
    streamRetentionHours: 168,
    recoveryDays: 1,
    ...changed,
  }
}

const request = (...subjects: string[]) => ({ kind: 'rider_id', subjects, reason: 'asked to' })

describe('erasing', () => {
  it('destroys the keys, says when what is true, and signs it', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b', { rider_id: 'other' }))
    const deps = erasureIn(cell)

    const certificate = await eraseSubjects(deps, request('rider-planted-1', 'nobody'))

    expect(certificate).toMatchObject({
      number: 1,
      previousHash: null,
      subjects: [
        { outcome: 'erased', erasedAt: '2026-01-01T00:00:00.000Z' },
        { outcome: 'unknown', erasedAt: '2026-01-01T00:00:00.000Z' },
      ],
      checks: [
        { store: 'keys of people', checked: 2, found: 0 },
        { store: 'tokens', checked: 1, found: 0 },
      ],
      dates: {
        unreadableSince: '2026-01-01T00:01:00.000Z',
        goneFromStreamAt: '2026-01-08T00:00:00.000Z',
        unrecoverableFrom: '2026-01-02T00:00:00.000Z',
      },
    })
    expect(JSON.stringify(certificate)).not.toMatch(/planted|nobody/)
    expect(await certificateFaults(deps, certificate)).toEqual([])
    const other = cell.keys.subjects().lookupOf('rider_id', 'other')
    expect(await cell.keys.table.subjects([other])).toMatchObject([{ lookup: other, version: 1 }])
  })

  it('makes no key for them again, also where it had none', async () => {
    const cell = new SealedCell()
    await eraseSubjects(erasureIn(cell), request('rider-planted-1'))

    await cell.send(rideText('a'))

    const lookup = cell.keys.subjects().lookupOf('rider_id', 'rider-planted-1')
    expect(await cell.keys.table.subjects([lookup])).toEqual([
      { lookup, erasedAt: '2026-01-01T00:00:00.000Z' },
    ])
  })

  it('may be repeated: the dates stay those of the first time, certificates follow one another', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'))
    const deps = erasureIn(cell)
    const first = await eraseSubjects(deps, request('rider-planted-1'))
    cell.clock.ms += 3_600_000

    const second = await eraseSubjects(deps, request('rider-planted-1'))

    expect(second).toMatchObject({
      number: 2,
      previousHash: first.hash,
      subjects: [{ outcome: 'erasedBefore', erasedAt: first.subjects[0]!.erasedAt }],
      dates: first.dates,
    })
    expect(await certificateFaults(deps, second)).toEqual([])
  })

  it('goes on where it broke off, whatever it was about to do, features included', async () => {
    for (let dyingAt = 1; ; dyingAt++) {
      const cell = new SealedCell()
      await cell.send(rideText('a'), rideText('b', { rider_id: 'two' }))
      const slots = new Set<string>()
      for (const name of ['rider-planted-1', 'two']) {
        const lookup = cell.keys.subjects().lookupOf('rider_id', name)
        const [state] = await cell.keys.table.subjects([lookup])
        slots.add((state as { token: string }).token)
      }
      const ledger = new MemoryErasureLedger()
      let calls = 0
      const mortal = <Target extends object>(target: Target): Target =>
        new Proxy(target, {
          get: (on, name) => {
            const value = Reflect.get(on, name)
            if (typeof value !== 'function') return value
            return (...args: unknown[]) => {
              if (++calls >= dyingAt) throw new Error('died')
              return value.apply(on, args)
            }
          },
        })
      const personSlots = {
        remove: async (tokens: ReadonlySet<string>) =>
          [...tokens].filter((token) => slots.delete(token)).length,
      }
      const dying = erasureIn(cell, {
        ledger: mortal(ledger),
        table: mortal(cell.keys.table),
        slots: mortal(personSlots),
      })
      const outcome = await eraseSubjects(dying, request('rider-planted-1', 'two')).then(
        () => 'ended',
        () => 'died',
      )

      const deps = erasureIn(cell, { ledger, slots: personSlots })
      const certificate = await eraseSubjects(deps, request('rider-planted-1', 'two'))

      expect(slots.size).toBe(0)
      expect(await certificateFaults(deps, certificate)).toEqual([])
      if (outcome === 'ended') {
        expect(dyingAt).toBeGreaterThan(10)
        return
      }
    }
  })

  it('erases nobody if one of them is under a legal hold, and says why', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'))
    const deps = erasureIn(cell)
    const lookup = deps.lookupOf('rider_id', 'held')
    await deps.ledger.placeHold({ lookup, reason: 'case 7', since: '2025-12-01' })

    await expect(eraseSubjects(deps, request('rider-planted-1', 'held'))).rejects.toThrow(
      /^1 of 2 are under a legal hold \("case 7" since 2025-12-01\): nobody was erased/,
    )
    const states = await cell.keys.table.subjects([deps.lookupOf('rider_id', 'rider-planted-1')])
    expect(states).toMatchObject([{ version: 1 }])
    expect(await deps.ledger.lastCertificate()).toBeUndefined()
  })

  it('gives no certificate while a store still has something of them', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'))
    const deps = erasureIn(cell, { slots: { remove: async () => 3 } })

    await expect(eraseSubjects(deps, request('rider-planted-1'))).rejects.toThrow(
      /feature slots still has 3 of 1/,
    )
    expect(await deps.ledger.lastCertificate()).toBeUndefined()
  })

  it('is told again to a key table that was restored', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b', { rider_id: 'other' }))
    const names = ['rider-planted-1', 'other']
    const deps = erasureIn(cell)
    const lookups = names.map((name) => deps.lookupOf('rider_id', name))
    const backup = await cell.keys.table.subjects(lookups)
    await eraseSubjects(deps, request('rider-planted-1'))
    const restored = new MemoryKeyTable()
    for (const state of backup) await restored.createSubject(state as never)

    expect(await eraseAgain(restored, deps.ledger)).toEqual({ checked: 1, erased: 1 })
    expect(await eraseAgain(restored, deps.ledger)).toEqual({ checked: 1, erased: 0 })

    expect(await restored.subjects(lookups)).toEqual(await cell.keys.table.subjects(lookups))
  })

  it('takes ten thousand at once', async () => {
    const cell = new SealedCell()
    const names = Array.from({ length: 10_000 }, (_, i) => `rider ${i}`)
    const deps = erasureIn(cell)

    const certificate = await eraseSubjects(deps, request(...names))

    expect(certificate.subjects).toHaveLength(10_000)
    expect(await certificateFaults(deps, certificate)).toEqual([])
  })
})

describe('a certificate', () => {
  it.each([
    ['another reason', { reason: 'because' }, /content is not what its hash is of/],
    ['another number', { number: 2 }, /another certificate as number 2/],
    ['another date', { dates: { unreadableSince: '2020-01-01' } }, /content is not/],
    [
      'a person more',
      { subjects: [{ lookup: 'x', outcome: 'erased' }] },
      /1 of its people are not/,
    ],
    ['another signature', { signature: 'AAAA' }, /signature is not of the cell/],
    ['another predecessor', { previousHash: 'f00' }, /does not follow the certificate before it/],
    ['another cell', { cell: 'elsewhere' }, /is of cell elsewhere, not of cell/],
  ])('that was given %s is found out', async (_, change, fault) => {
    const cell = new SealedCell()
    const deps = erasureIn(cell)
    const certificate = await eraseSubjects(deps, request('somebody'))

    const faults = await certificateFaults(deps, { ...certificate, ...change } as never)

    expect(faults.join('; ')).toMatch(fault)
  })

  it('whose hash was made to fit has no signature, and is not in the ledger', async () => {
    const deps = erasureIn(new SealedCell())
    const certificate = await eraseSubjects(deps, request('somebody'))
    const forged = { ...certificate, reason: 'because' }

    const faults = await certificateFaults(deps, { ...forged, hash: hashOf(forged) })

    expect(faults).toEqual([
      'its signature is not of the cell’s key',
      'the ledger has another certificate as number 1, or none',
    ])
  })

  it('is read back from its text, and nothing else is', async () => {
    const deps = erasureIn(new SealedCell())
    const certificate = await eraseSubjects(deps, request('somebody'))

    expect(parseCertificate(JSON.stringify(certificate, null, 2))).toEqual(certificate)
    for (const text of ['', '{}', '[]', 'null', '{"version":1,"number":1}']) {
      expect(parseCertificate(text)).toBeUndefined()
    }
  })
})
