import { expect, it } from 'vitest'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { featureTableName, featureTableSchema } from '#lib/domain/process/feature-table.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { eventContract, eventRecord } from '#test/support/event-product.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'

/** A million with `KEYS=1000000`, which takes minutes. */
const KEYS = Number(process.env.KEYS ?? 30_000)
const EVENTS_PER_RECORD = 500
const RECORDS_PER_BATCH = 20
const SECOND = 1_000_000
const BASE = Date.UTC(2026, 2, 1) * 1000

const view: ViewDefinition = {
  name: 'amounts',
  description: '',
  key: 'key',
  window: { kind: 'tumbling', sizeSeconds: 10 },
  aggregates: [
    { name: 'events', function: 'count' },
    { name: 'total', function: 'sum', field: 'amount' },
  ],
  freshnessSeconds: 60,
}

it('a window with very many keys is closed with one row for each of them', async () => {
  const contract = eventContract({ allowedLatenessSeconds: 0, outOfOrdernessSeconds: 0 })
  const cell = new MemoryCell(contract)
  cell.views = [view]
  const archive = cell.archive()
  let sequence = 0
  const send = async (from: number, to: number, time: number) => {
    const records = []
    for (let at = from; at < to; at += EVENTS_PER_RECORD) {
      const events = Array.from({ length: Math.min(EVENTS_PER_RECORD, to - at) }, (_, i) => ({
        id: `${at + i}`,
        key: `key-${at + i}`,
        time,
        amount: (at + i) % 100,
      }))
      records.push(eventRecord(++sequence, time + SECOND, contract.eventType, events))
    }
    await archive.take(
      'shard',
      records.map((one) => ({ ...one, data: Buffer.from(one.data).toString('base64') })),
    )
  }
  const portion = EVENTS_PER_RECORD * RECORDS_PER_BATCH
  for (let at = 0; at < KEYS; at += portion) await send(at, Math.min(KEYS, at + portion), BASE)
  await send(KEYS, KEYS + 1, BASE + 60 * SECOND)

  while ((await cell.update()).entries > 0);
  await cell.finalize({ isIdle: async () => false, parents: async () => new Map([['shard', []]]) })

  const name = { database: 'weir', name: featureTableName(contract.product, view) }
  const lake = { objects: cell.objects, catalog: cell.catalog, clock: cell.clock, ids: undefined! }
  const table = (await loadTable(lake, name))!
  const schema = featureTableSchema(view, contract)
  let [rows, cents] = [0, 0n]
  for (const { path, recordCount } of await table.liveFiles()) {
    const batch = await decodeFields(await cell.objects.get(path), schema.fields)
    const total = batch.columns.get('total')!
    rows += recordCount
    if ('values' in total) for (const value of total.values) cents += BigInt(value as bigint)
  }
  expect(rows).toBe(KEYS)
  expect(cents).toBe(
    BigInt(Array.from({ length: KEYS }, (_, i) => i % 100).reduce((a, b) => a + b)),
  )
}, 900_000)
