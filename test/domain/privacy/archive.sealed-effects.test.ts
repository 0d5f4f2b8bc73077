import { describe, expect, it } from 'vitest'
import type { KeyTable, KeyWrapper } from '#lib/domain/privacy/key-table.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { leaks } from '#test/support/leaks.ts'
import { rideText, SealedCell, SHARD } from '#test/support/sealed-product.ts'
import { opening, rowsOf } from '#test/support/unsealing.ts'

const FAULTS: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']

const bodies = [
  rideText('a'),
  `[${rideText('b', { rider_id: 'ben', rider_name: 'Ben' })},${rideText('c')}]`,
  rideText('rejected', { fare: -1 }),
  rideText('nobody', { rider_id: null }),
  'planted, and no event',
  rideText('d', { rider_id: 'eve', rider_name: 'Eve' }),
]

/** An archive whose calls to stores and keys are counted, and which meets the fault at one of them. */
function faulty(cell: SealedCell, process: FaultyProcess) {
  const effects = <Target extends object>(target: Target, what: string): Target =>
    new Proxy(target, {
      get: (on, name) => {
        const value: unknown = Reflect.get(on, name)
        if (typeof value !== 'function') return value
        return (...args: unknown[]) =>
          process.sender(async () => value.apply(on, args))(`${what} ${String(name)}`)
      },
    })
  const answering = <Target extends object>(target: Target, what: string): Target =>
    new Proxy(target, {
      get: (on, name) => {
        const value: unknown = Reflect.get(on, name)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          let answer: unknown
          await (
            effects({ call: async () => (answer = await value.apply(on, args)) }, what) as {
              call: () => Promise<unknown>
            }
          ).call()
          return answer
        }
      },
    })
  return cell.archive({
    objects: process.objects(cell.objects),
    journal: process.journal(cell.journal),
    sealing: cell.keys.process({
      table: answering<KeyTable>(cell.keys.table, 'keys'),
      wrapper: answering<KeyWrapper>(cell.keys.wrapper, 'kms'),
    }),
  })
}

async function outcome(cell: SealedCell) {
  const rows = await rowsOf(cell)
  const ids = [...rows.keys()].sort()
  const opened = await opening(
    cell,
    ids.map((id) => rows.get(id)!),
  )
  const entries = await cell.journal.entriesAfter(SHARD, 'start', 100)
  const counts = entries.map(({ counts }) => counts)
  return { ids, values: opened.rows.map((row) => row?.rider_name ?? null), counts }
}

describe('sealing', () => {
  it.each(FAULTS)(
    'ends in the same, and shows nobody, when a process %s at any effect',
    async (fault) => {
      const whole = new SealedCell()
      await whole.archive().take(SHARD, whole.records(...bodies))
      const expected = await outcome(whole)
      expect(expected.values).toEqual(['Ada Planted-Name', 'Ben', 'Ada Planted-Name', 'Eve', null])

      for (let at = 1; ; at++) {
        const cell = new SealedCell()
        const records = cell.records(...bodies)
        const process = new FaultyProcess(at, fault)
        await faulty(cell, process)
          .take(SHARD, records)
          .catch(() => {})
        expect(await leaks(cell)).toEqual([])

        await cell.archive().take(SHARD, records)

        expect(await outcome(cell)).toEqual(expected)
        expect(await leaks(cell)).toEqual([])
        if (!process.met) {
          expect(at).toBeGreaterThan(15)
          break
        }
      }
    },
  )

  it('gives a person one key when two processes meet them at once, whoever decides the batch', async () => {
    const cell = new SealedCell()
    const records = cell.records(...bodies)
    const [one, two] = [cell.archive(), cell.archive()]

    await Promise.all([one.take(SHARD, records), two.take(SHARD, records)])
    await Promise.all([
      one.take('shardId-000000000001', records),
      two.take('shardId-000000000002', records),
    ])

    const { values } = await outcome(cell)
    expect(values).toEqual(['Ada Planted-Name', 'Ben', 'Ada Planted-Name', 'Eve', null])
    const tokens = new Set([...(await rowsOf(cell)).values()].map(({ token }) => token))
    expect(tokens.size).toBe(4)
  })

  it('loses to an erasure at any moment: what comes after is anonymous, what was there is unreadable', async () => {
    for (let at = 1; ; at++) {
      const cell = new SealedCell()
      const records = cell.records(...bodies)
      const lookup = cell.keys.subjects().lookupOf('rider_id', 'rider-planted-1')
      let calls = 0
      const erasing = <Target extends object>(target: Target): Target =>
        new Proxy(target, {
          get: (on, name) => {
            const value: unknown = Reflect.get(on, name)
            if (typeof value !== 'function') return value
            // These answer page by page, not once.
            if (name === 'newestFirst' || name === 'list') return value.bind(on)
            return async (...args: unknown[]) => {
              if (++calls === at) await cell.keys.table.erase({ lookup, erasedAt: '2026-01-01' })
              return value.apply(on, args)
            }
          },
        })
      const archive = cell.archive({
        objects: erasing(cell.objects),
        journal: erasing(cell.journal),
        sealing: cell.keys.process({
          table: erasing(cell.keys.table),
          wrapper: erasing(cell.keys.wrapper),
        }),
      })

      await archive.take(SHARD, records)

      const isMet = calls >= at
      if (!isMet) await cell.keys.table.erase({ lookup, erasedAt: '2026-01-01' })
      const { ids, values, counts } = await outcome(cell)
      expect(ids).toEqual(['a', 'b', 'c', 'd', 'nobody'])
      expect(values).toEqual([null, 'Ben', null, 'Eve', null])
      expect(counts).toEqual([{ received: 7, admitted: 5, duplicate: 0, rejected: 2 }])
      expect(await leaks(cell)).toEqual([])
      if (!isMet) {
        expect(at).toBeGreaterThan(10)
        break
      }
    }
  })
})
