import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type StreamRecord, unpackRecord } from '#lib/domain/ingest/wire.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { isAfter, type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Fences, readFences } from '#lib/domain/lake/fences.ts'
import { loadTable, type Table } from '#lib/domain/lake/table.ts'
import { gatherEvidence } from '#lib/domain/ops/gather-evidence.ts'
import { eventsInFlight, shardStandings } from '#lib/domain/ops/in-flight.ts'
import { reconcile } from '#lib/domain/ops/reconcile.ts'
import { orphanedQuarantine } from '#lib/domain/ops/record-objects.ts'
import type { StreamReader } from '#lib/domain/ops/stream-reader.ts'
import { countingQuery } from '#test/support/counted-rows.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { tripText } from '#test/support/trip-events.ts'

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

describe('evidence from the stores of a cell', () => {
  let contract: Contract
  let cell: MemoryCell
  let stream: MemoryStream
  let next: number
  /** What retention, or somebody, has removed. */
  let gone: Set<string>
  let objects: ObjectStore

  beforeAll(async () => {
    contract = await tripsContract()
  })
  beforeEach(() => {
    cell = new MemoryCell(contract)
    stream = new MemoryStream()
    next = 1
    gone = new Set()
    objects = {
      get: (uri) => cell.objects.get(gone.has(uri) ? `${uri}.gone` : uri),
      put: (...args) => cell.objects.put(...args),
      putIfAbsent: (...args) => cell.objects.putIfAbsent(...args),
      async *list(prefix) {
        for await (const one of cell.objects.list(prefix)) if (!gone.has(one.uri)) yield one
      },
    }
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

  async function tableNow(): Promise<Table | undefined> {
    const lake = { ...cell, ids: { snapshotId: () => 0n, uuid: () => '' } }
    return loadTable(lake, { database: 'weir', name: 'trips' })
  }

  async function fences(): Promise<Fences> {
    const table = await tableNow()
    return table === undefined ? {} : await readFences(table)
  }

  /** Counted as the table stands, or stood. */
  async function reconciled(counted?: Table, nowMs = ARRIVAL / 1_000) {
    const { journal, layout } = cell
    const table = counted ?? (await tableNow())
    const snapshotId = table?.currentSnapshot?.snapshotId
    const evidence = await gatherEvidence(
      {
        stream,
        journal,
        objects,
        layout,
        retention: { rawDays: 30, quarantineDays: 10 },
        tables: snapshotId === undefined ? [] : [{ name: 'trips', snapshotId }],
        nowMs,
        query: countingQuery(objects, tableNow),
      },
      table === undefined ? {} : await readFences(table),
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

  describe('quarantine that no entry names', () => {
    it('is in no count: a dead attempt of other code has left it', async () => {
      await cell.archive().take(SHARD, [arrive(rejected('a'), tripText({ id: 'b' }))])
      await cell.commit()
      const entry = (await cell.journal.head(SHARD))!
      const orphan = entry.quarantineUri!.replace(/-\w+\.parquet$/, '-0000000000000000.parquet')
      await cell.objects.put(orphan, await cell.objects.get(entry.quarantineUri!))

      expect(await reconciled()).toMatchObject({ rejected: 1, quarantined: 1, balanced: true })
      expect(await orphanedQuarantine(cell.journal, objects, cell.layout)).toEqual([orphan])
    })
  })

  describe('objects that are not there any more', () => {
    const day = (n: number) => ARRIVAL / 1_000 + n * 86_400_000
    async function archived() {
      await cell.archive().take(SHARD, [arrive(rejected('a'), tripText({ id: 'b' }))])
      await cell.commit()
      stream.records = []
      return (await cell.journal.head(SHARD))!
    }

    it('are expired once they were due: the journal still counts them', async () => {
      const entry = await archived()
      gone.add(entry.rawUri).add(entry.quarantineUri!)

      expect(await reconciled(undefined, day(31))).toMatchObject({
        received: 2,
        admitted: 1,
        rejected: 1,
        raw: 0,
        curated: 1,
        quarantined: 0,
        expired: { raw: 2, quarantined: 1 },
        balanced: true,
        problems: [],
      })
    })

    it('are missing until then', async () => {
      const entry = await archived()
      gone.add(entry.rawUri).add(entry.quarantineUri!)

      const { problems } = await reconciled(undefined, day(10))

      expect(problems).toContain(`${SHARD}: raw object ${entry.rawUri} is missing`)
      expect(problems).toContain(`${SHARD}: quarantine object ${entry.quarantineUri} is missing`)
      expect(problems).toContain(`${SHARD}: received 0, but the journal decided 2`)
    })

    it('are each due by its own retention', async () => {
      const entry = await archived()
      gone.add(entry.rawUri).add(entry.quarantineUri!)

      expect((await reconciled(undefined, day(11))).problems).toEqual([
        `${SHARD}: raw object ${entry.rawUri} is missing`,
        `${SHARD}: received 0, but the journal decided 2`,
      ])
    })

    it('may also still be there although they are due', async () => {
      await archived()

      expect(await reconciled(undefined, day(31))).toMatchObject({
        expired: { raw: 2, quarantined: 1 },
        balanced: true,
      })
    })
  })

  it('counts as in flight what waits in journal and raw longer than the stream keeps it', async () => {
    await cell.archive().take(SHARD, [arrive(tripText({ id: 'a' }))])
    await cell.commit()
    await cell.archive().take(SHARD, [arrive(tripText({ id: 'b' }), tripText({ id: 'c' }))])
    const append = cell.journal.append
    cell.journal.append = () => Promise.reject(new Error('dies'))
    const batch = [arrive(tripText({ id: 'd' }))]
    await cell
      .archive()
      .take(SHARD, batch)
      .catch(() => undefined)
    cell.journal.append = append
    const whole = await reconciled()
    stream.records = []
    const forgotten = await reconciled()
    arrive(tripText({ id: 'e' }))
    const goingOn = await reconciled()

    const counts = { received: 4, admitted: 1, inFlight: 3, balanced: false, problems: [] }
    expect(whole).toMatchObject(counts)
    expect(forgotten).toMatchObject(counts)
    expect(goingOn).toMatchObject({ ...counts, received: 5, inFlight: 4 })
  })

  it('counts the table as it stood when its fences were read', async () => {
    await cell.archive().take(SHARD, [arrive(tripText({ id: 'a' }))])
    await cell.commit()
    const stood = (await tableNow())!
    await cell.archive().take(SHARD, [arrive(tripText({ id: 'b' }))])
    await cell.commit()

    expect(await reconciled(stood)).toMatchObject({ curated: 1, inFlight: 1, problems: [] })
    expect(await reconciled()).toMatchObject({ curated: 2, inFlight: 0, balanced: true })
  })
})
