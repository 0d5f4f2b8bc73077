import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { loadTable, type Table } from '#lib/domain/lake/table.ts'
import { valueAt } from '#test/support/columns.ts'
import { FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { storedCount } from '#test/support/stored-states.ts'
import { record, tripText } from '#test/support/trip-events.ts'
import { tripsVersions } from '#test/support/trips-versions.ts'

const [V1, V11, V2] = tripsVersions()
const A = 'shardId-000000000000'
const B = 'shardId-000000000001'

const declares = (version: string) => (text: string) =>
  text.replace('"specversion"', `"dataschema":"urn:weir:trips:${version}","specversion"`)
/** What a producer of 1.1 adds: the new field, and a vendor that needs 64 bits. */
const wide = (text: string) =>
  text.replace('"vendor_id":1,', '"vendor_id":5000000000,"airport_fee":1.25,')
const renamed = (text: string) => text.replace('"fare_amount":', '"fare":')

async function tableOf(cell: MemoryCell, name: string): Promise<Table | undefined> {
  const { objects, catalog, clock } = cell
  const ids = { snapshotId: () => 0n, uuid: () => '' }
  return loadTable({ objects, catalog, clock, ids }, { database: 'weir', name })
}

/** The rows of a table by its current schema, as Iceberg has it: what a file lacks is null. */
async function rowsOf(cell: MemoryCell, name: string, ...names: readonly string[]) {
  const table = (await tableOf(cell, name))!
  const fields = names.map((one) => table.schema.fields.find((field) => field.name === one)!)
  const rows: string[] = []
  for (const file of await table.liveFiles()) {
    const batch = await decodeFields(await cell.objects.get(file.path), fields)
    for (let row = 0; row < batch.rows; row++) {
      rows.push(names.map((one) => String(valueAt(batch.columns.get(one)!, row))).join(' '))
    }
  }
  return rows.sort()
}

/** Archives events as one record and commits, with these versions deployed. */
async function deployed(
  cell: MemoryCell,
  versions: readonly Contract[],
  sequence: number,
  texts: readonly string[],
  shard = A,
) {
  cell.contracts = versionsOf(versions)
  const entries = await cell.archive().take(shard, [record(sequence, `[${texts.join(',')}]`)])
  return { entry: entries[0]!, report: await cell.commit() }
}

describe('a compatible new version', () => {
  it('goes live while old and new producers send: no event is lost, old rows have nulls', async () => {
    const cell = new MemoryCell(V1)
    await deployed(cell, [V1], 1, [tripText({ id: 'a' })])
    const before = (await tableOf(cell, 'trips'))!

    await deployed(cell, [V1, V11], 2, [
      tripText({ id: 'b' }),
      declares('1.0')(tripText({ id: 'c' })),
      wide(tripText({ id: 'd' })),
      declares('1.1')(wide(tripText({ id: 'e' }))),
    ])

    expect(await rowsOf(cell, 'trips', 'event_id', 'vendor_id', 'airport_fee')).toEqual([
      'a 1 null',
      'b 1 null',
      'c 1 null',
      'd 5000000000 125',
      'e 5000000000 125',
    ])
    const after = (await tableOf(cell, 'trips'))!
    const { metadata } = after
    expect(metadata.schemas.map((schema) => schema['schema-id'])).toEqual([0, 1])
    expect(metadata['current-schema-id']).toBe(1)
    expect(metadata['last-column-id']).toBe(28)
    // A snapshot keeps the schema that it was made with: time travel shows what there was.
    expect(metadata.snapshots.map((snapshot) => snapshot['schema-id'])).toEqual([0, 1])
    expect(before.schema.fields.find((field) => field.name === 'vendor_id')?.type).toBe('int')
    expect(
      after.schema.fields.slice(0, before.schema.fields.length).map((field) => field.id),
    ).toEqual(before.schema.fields.map((field) => field.id))
    expect(after.schema.fields.at(-1)).toMatchObject({
      id: 28,
      name: 'airport_fee',
      required: false,
      type: 'decimal(10, 2)',
      doc: 'For trips from the airports, in dollars.',
    })
  })

  it('changes nothing before the first commit that needs it', async () => {
    const cell = new MemoryCell(V1)
    await deployed(cell, [V1], 1, [tripText({ id: 'a' })])
    const schemas = async () => (await tableOf(cell, 'trips'))!.metadata.schemas.length

    cell.contracts = versionsOf([V1, V11])
    await cell.commit()
    expect(await schemas()).toBe(1)
    await deployed(cell, [V1, V11], 2, [tripText({ id: 'b' })])
    expect(await schemas()).toBe(2)
    await deployed(cell, [V1, V11], 3, [tripText({ id: 'c' })])
    expect(await schemas()).toBe(2)
  })

  it('is not undone by an older deployment that commits later', async () => {
    const cell = new MemoryCell(V1)
    await deployed(cell, [V1, V11], 1, [wide(tripText({ id: 'a' }))])
    const before = (await tableOf(cell, 'trips'))!

    await deployed(cell, [V1], 2, [tripText({ id: 'b' })])

    const after = (await tableOf(cell, 'trips'))!
    expect(after.schema).toEqual(before.schema)
    expect(after.properties['weir.contract']).toBe('1.1.0')
    expect(await rowsOf(cell, 'trips', 'event_id', 'vendor_id')).toEqual(['a 5000000000', 'b 1'])
  })

  it('waits, where a deployment does not know it, and holds up no other shard', async () => {
    const cell = new MemoryCell(V1)
    cell.contracts = versionsOf([V1, V11])
    await cell.archive().take(A, [record(1, tripText({ id: 'a' }))])
    cell.contracts = versionsOf([V1])
    await cell.archive().take(B, [record(1, tripText({ id: 'b' }))])

    const old = await cell.commit()
    cell.contracts = versionsOf([V1, V11])
    const young = await cell.commit()

    expect(old).toMatchObject({ rows: 1, unknownVersions: ['1.1.0'] })
    expect(young).toMatchObject({ rows: 1, unknownVersions: [] })
    expect(await rowsOf(cell, 'trips', 'event_id')).toEqual(['a', 'b'])
  })

  it('feeds the windows from old and new files alike', async () => {
    const cell = new MemoryCell(V1)
    await deployed(cell, [V1], 1, [tripText({ id: 'a' })])
    cell.views = [
      {
        ...cell.views[0]!,
        aggregates: [
          { name: 'trip_count', function: 'count' },
          { name: 'fare_sum', function: 'sum', field: 'airport_fee' },
          { name: 'vendors', function: 'sum', field: 'vendor_id' },
        ],
      },
    ]
    await deployed(cell, [V1, V11], 2, [wide(tripText({ id: 'b' }))])

    await cell.update()

    const [slot] = cell.slots.all()
    expect(slot?.states).toEqual({
      trip_count: ['count/1', 2],
      fare_sum: ['sum/1', 1, 125],
      vendors: ['sum/1', 2, 5000000001],
    })
  })
})

describe('a new major version', () => {
  const all = [V1, V11, V2]
  const old = declares('1')
  const young = (text: string) => declares('2.0')(renamed(text))

  /** 1.0, then 1.1, then 2.0 beside it, with producers of all three. */
  async function history(): Promise<MemoryCell> {
    const cell = new MemoryCell(V1)
    await deployed(cell, [V1], 1, [tripText({ id: 'a' })])
    await deployed(cell, [V1, V11], 2, [tripText({ id: 'b' }), wide(tripText({ id: 'c' }))])
    await deployed(cell, all, 3, [
      old(tripText({ id: 'd' })),
      young(wide(tripText({ id: 'e' }))),
      old(wide(tripText({ id: 'f' }))),
      young(tripText({ id: 'g' })),
    ])
    return cell
  }

  it('has a table of its own beside the old one, from one stream', async () => {
    const cell = await history()

    expect(await rowsOf(cell, 'trips', 'event_id', 'fare_amount', 'vendor_id')).toEqual([
      'a 1050 1',
      'b 1050 1',
      'c 1050 5000000000',
      'd 1050 1',
      'f 1050 5000000000',
    ])
    expect(await rowsOf(cell, 'trips_v2', 'event_id', 'fare', 'airport_fee')).toEqual([
      'e 1050 125',
      'g 1050 null',
    ])
    const { counts, raw, quarantined } = await cell.outcome()
    expect(counts).toEqual({ received: 7, admitted: 7, duplicate: 0, rejected: 0 })
    expect([raw.length, quarantined]).toEqual([7, []])
  })

  it('starts its table where it came: the journal before it is not read', async () => {
    const cell = await history()

    const entries = await cell.journal.entriesAfter(A, 'start', 10)
    const second = (await tableOf(cell, 'trips_v2'))!

    expect(entries.map((entry) => entry.majors)).toEqual([
      undefined,
      undefined,
      { 1: 'start', 2: entries[1]!.last },
    ])
    expect(entries[2]!.admittedByMajor).toEqual({ 1: 2, 2: 2 })
    expect(second.snapshots.map((snapshot) => snapshot.summary['weir.entries'])).toEqual(['1'])
  })

  it('keeps its place through a deployment of the old version in between', async () => {
    const cell = await history()
    await deployed(cell, [V1, V11], 4, [tripText({ id: 'h' })])

    await deployed(cell, all, 5, [young(tripText({ id: 'i' }))])

    expect(await rowsOf(cell, 'trips_v2', 'event_id')).toEqual(['e', 'g', 'i'])
    expect(await rowsOf(cell, 'trips', 'event_id')).toEqual(['a', 'b', 'c', 'd', 'f', 'h'])
  })

  it('takes an event sent under both majors once, whichever came first', async () => {
    const cell = await history()
    const { entry } = await deployed(cell, all, 4, [
      young(tripText({ id: 'd' })),
      young(tripText({ id: 'x' })),
      old(tripText({ id: 'x' })),
      old(tripText({ id: 'y' })),
      young(tripText({ id: 'y' })),
    ])

    expect(entry.counts).toEqual({ received: 5, admitted: 2, duplicate: 3, rejected: 0 })
    expect(await rowsOf(cell, 'trips_v2', 'event_id')).toEqual(['e', 'g', 'x'])
    expect((await rowsOf(cell, 'trips', 'event_id')).at(-1)).toBe('y')
  })

  it('does not commit to the old table only to move its fence, unless that lags far behind', async () => {
    const cell = await history()
    const snapshots = async (name: string) => (await tableOf(cell, name))!.snapshots.length
    const before = await snapshots('trips')

    cell.contracts = versionsOf(all)
    const archive = cell.archive()
    const send = (i: number) => archive.take(A, [record(10 + i, young(tripText({ id: `n${i}` })))])
    for (let i = 0; i < 99; i++) await send(i)
    await cell.commit()
    expect([await snapshots('trips'), await snapshots('trips_v2')]).toEqual([before, 2])
    await send(99)
    await cell.commit()

    expect([await snapshots('trips'), await snapshots('trips_v2')]).toEqual([before + 1, 3])
  })

  it('judges events that declare nothing by itself, or by the major that it states', async () => {
    const cell = new MemoryCell(V1)
    const lenient: Contract = { ...V2, undeclaredMajor: 1 }

    const strict = await deployed(cell, all, 1, [tripText({ id: 'a' })])
    const kind = await deployed(cell, [V1, V11, lenient], 2, [
      tripText({ id: 'b' }),
      young(tripText({ id: 'c' })),
    ])

    expect(strict.entry.counts).toMatchObject({ admitted: 0, rejected: 1 })
    expect(kind.entry.counts).toMatchObject({ admitted: 2, rejected: 0 })
    expect(await rowsOf(cell, 'trips', 'event_id')).toEqual(['b'])
    expect(await rowsOf(cell, 'trips_v2', 'event_id')).toEqual(['c'])
  })

  it('is what views read, unless they stay with the old one', async () => {
    const cell = await history()
    const fares = cell.views[0]!
    const sum = (field: string) => ({ name: 'fare_sum', function: 'sum' as const, field })
    const count = { name: 'trip_count', function: 'count' as const }
    cell.views = [
      { ...fares, name: 'new', aggregates: [count, sum('fare')] },
      { ...fares, name: 'old', major: 1, aggregates: [count, sum('fare_amount')] },
    ]

    await cell.update()

    expect(
      cell.slots.all().map((slot) => [slot.view, storedCount(slot.states.trip_count)]),
    ).toEqual([
      ['new', 2],
      ['old', 5],
    ])
  })
})

describe('whatever fails on the way to new versions', () => {
  it('changes no row, at whichever effect', async () => {
    const batches = [
      { versions: [V1], texts: [tripText({ id: 'a' })] },
      { versions: [V1, V11], texts: [tripText({ id: 'b' }), wide(tripText({ id: 'c' }))] },
      {
        versions: [V1, V11, V2],
        texts: [declares('1.1')(tripText({ id: 'd' })), renamed(tripText({ id: 'e' }))],
      },
    ]
    for (const fault of ['dies before', 'dies after', 'answer lost', 'refused'] as const) {
      for (let at = 1; ; at++) {
        const cell = new MemoryCell(V1)
        const process = new FaultyProcess(at, fault)
        for (const [i, { versions, texts }] of batches.entries()) {
          cell.contracts = versionsOf(versions)
          await cell.archive().take(A, [record(i + 1, `[${texts.join(',')}]`)])
          await cell.commit(process).catch(() => undefined)
        }
        const isOver = !process.met
        await cell.commit()

        const where = `${fault} at ${process.log[at - 1]}`
        expect(await rowsOf(cell, 'trips', 'event_id', 'vendor_id'), where).toEqual([
          'a 1',
          'b 1',
          'c 5000000000',
          'd 1',
        ])
        expect(await rowsOf(cell, 'trips_v2', 'event_id', 'fare'), where).toEqual(['e 1050'])
        if (isOver) {
          expect(at).toBeGreaterThan(15)
          break
        }
      }
    }
  })
})
