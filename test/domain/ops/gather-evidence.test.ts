import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type StreamRecord, unpackRecord } from '#lib/domain/ingest/wire.ts'
import { isAfter, type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Fences, readFences } from '#lib/domain/lake/fences.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { gatherEvidence } from '#lib/domain/ops/gather-evidence.ts'
import { eventsInFlight, shardStandings } from '#lib/domain/ops/in-flight.ts'
import { reconcile } from '#lib/domain/ops/reconcile.ts'
import type { StreamReader } from '#lib/domain/ops/stream-reader.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'

const SHARD = 'shardId-000000000000'
const ARRIVAL = Date.UTC(2026, 0, 1) * 1_000

/** A stream in memory. Its oldest records can be forgotten, as retention does. */
class MemoryStream implements StreamReader {
  records: StreamRecord[] = []

  async shards() {
    return [SHARD]
  }

  async *pages(_shard: string, after?: SequenceNumber) {
    yield this.records.filter((one) => after === undefined || isAfter(one.sequence, after))
  }
}

/** Stands in for Athena: the rows of the memory cell's objects, counted as the SQL asks. */
function queryOf(cell: MemoryCell) {
  return async (sql: string): Promise<readonly (readonly unknown[])[]> => {
    const [, cut, horizon] = /\('shardId-000000000000', '(\d*)', '(\w*)'\)/.exec(sql)!
    const outcome = await cell.outcome()
    const position = (text: string) => text.split(/[ /]/)[1]!
    const positions = sql.includes('from trips_raw')
      ? outcome.raw.map(position)
      : sql.includes('from trips_quarantine')
        ? outcome.quarantined.map(position)
        : Array.from({ length: outcome.curated.length }, () => '')
    const upTo = positions.filter((one) => one <= cut!).length
    const before = positions.filter((one) => one <= cut! && one < horizon!).length
    if (positions.length === 0) return []
    return [[SHARD, upTo, upTo, before, positions.length - upTo]]
  }
}

describe('evidence from the stores of a cell', () => {
  let contract: Contract
  let cell: MemoryCell
  let stream: MemoryStream
  let next: number

  beforeAll(async () => {
    contract = await tripsContract()
  })
  beforeEach(() => {
    cell = new MemoryCell(contract)
    stream = new MemoryStream()
    next = 1
  })

  function arrive(...texts: string[]): StreamRecord {
    const record = {
      sequence: sequenceNumber(String(next++)),
      arrivalMicros: ARRIVAL + next * 1_000,
      data: Buffer.from(`[${texts.join(',')}]`),
    }
    stream.records.push(record)
    return record
  }

  async function fences(): Promise<Fences> {
    const lake = { ...cell, ids: { snapshotId: () => 0n, uuid: () => '' } }
    const table = await loadTable(lake, { database: 'weir', name: 'trips' })
    return table === undefined ? {} : await readFences(table)
  }

  async function reconciled() {
    const { journal, objects, layout } = cell
    const evidence = await gatherEvidence(
      { stream, journal, objects, layout, query: queryOf(cell) },
      await fences(),
    )
    return reconcile(evidence)
  }

  const inFlight = async () =>
    eventsInFlight(await shardStandings(stream, cell.journal, await fences()))

  const rejected = (id: string) =>
    `{"specversion":"1.0","id":"${id}","source":"/s","type":"other","data":{}}`

  it('is balanced in an empty cell', async () => {
    expect(await reconciled()).toMatchObject({ received: 0, balanced: true, inFlight: 0 })
    expect(await inFlight()).toBe(0)
  })

  it('is balanced once all is committed, also when the stream has forgotten its beginning', async () => {
    const records = [arrive(rejected('a'), rejected('b')), arrive(rejected('c'))]
    await cell.archive().take(SHARD, records)
    await cell.commit()

    const whole = await reconciled()
    stream.records = stream.records.slice(1)
    const trimmed = await reconciled()
    stream.records = []
    const forgotten = await reconciled()

    for (const result of [whole, trimmed, forgotten]) {
      expect(result).toMatchObject({
        received: 3,
        rejected: 3,
        raw: 3,
        quarantined: 3,
        balanced: true,
      })
    }
  })

  it('tells events in flight apart from lost ones', async () => {
    await cell.archive().take(SHARD, [arrive(rejected('a'))])
    await cell.commit()
    await cell.archive().take(SHARD, [arrive(rejected('b'), rejected('c'))])
    arrive(rejected('d'))

    const result = await reconciled()

    expect(result).toMatchObject({
      received: 4,
      raw: 1,
      inFlight: 3,
      balanced: false,
      problems: [],
    })
    expect(await inFlight()).toBe(3)
  })

  it('shows a record that was skipped', async () => {
    const [first, , third] = [arrive(rejected('a')), arrive(rejected('b')), arrive(rejected('c'))]
    await cell.archive().take(SHARD, [first!, third!])
    await cell.commit()

    const { problems, balanced } = await reconciled()

    expect(balanced).toBe(false)
    expect(problems).toEqual([
      `${SHARD}: received 3, but raw holds 2`,
      `${SHARD}: received 3, but the journal decided 2`,
    ])
    expect(unpackRecord(first!)).toHaveLength(1)
  })
})
