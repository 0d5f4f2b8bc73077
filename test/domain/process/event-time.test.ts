import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import {
  featureTableName,
  featureTableSchema,
  finalRowKeys,
} from '#lib/domain/process/feature-table.ts'
import { closedOf } from '#lib/domain/process/finalize-windows.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { StreamProgress } from '#lib/domain/process/view-watermark.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'
import { eventContract, eventRecord, type TestEvent } from '#test/support/event-product.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { storedCount } from '#test/support/stored-states.ts'

const SECOND = 1_000_000
const BASE = Date.UTC(2026, 2, 1) * 1000

const WINDOWS: Readonly<Record<string, WindowDefinition>> = {
  tumbling: { kind: 'tumbling', sizeSeconds: 10, offsetSeconds: 3 },
  sliding: { kind: 'sliding', sizeSeconds: 15, slideSeconds: 6 },
  session: { kind: 'session', gapSeconds: 4 },
  running: { kind: 'running' },
}

function viewOf(window: WindowDefinition): ViewDefinition {
  return {
    name: 'amounts',
    description: '',
    key: 'key',
    window,
    aggregates: [
      { name: 'events', function: 'count' },
      { name: 'total', function: 'sum', field: 'amount' },
    ],
    freshnessSeconds: 60,
  }
}

interface Sent extends TestEvent {
  readonly arrival: number
}

/** A stream of which the archive has taken a part. */
class Stream implements StreamProgress {
  readonly shards = new Map<
    string,
    { records: StreamRecord[]; events: Sent[]; parents: string[] }
  >()

  add(shard: string, parents: readonly string[]): void {
    this.shards.set(shard, { records: [], events: [], parents: [...parents] })
  }

  async parents(): Promise<ReadonlyMap<string, readonly string[]>> {
    return new Map([...this.shards].map(([shard, { parents }]) => [shard, parents]))
  }

  async isIdle(shard: string, after: Predecessor): Promise<boolean> {
    const last = this.shards.get(shard)?.records.at(-1)?.sequence
    return last === undefined || (after !== 'start' && last <= after)
  }
}

/** What is true of the events, by the definition and nothing else. */
function oracle(contract: Contract, window: WindowDefinition, stream: Stream) {
  const allowed = contract.allowedLatenessSeconds! * SECOND
  const bound = contract.outOfOrdernessSeconds * SECOND
  const skew = contract.maxFutureSkewMinutes * 60 * SECOND
  const life = contract.stateRetentionDays * 86_400 * SECOND
  const maxAtEnd = new Map<string, number>()
  const late: string[] = []
  const inTime: Sent[] = []
  const pane = { tumbling: 10, sliding: 3, session: 4, running: 0 }[window.kind] * SECOND
  const offset = window.kind === 'tumbling' ? 3 * SECOND : 0
  for (const [shard, { events, parents }] of stream.shards) {
    const inherited = parents.map((parent) => maxAtEnd.get(parent)!)
    let max = inherited.length === 0 ? -Infinity : Math.min(...inherited)
    for (const event of events) {
      const end =
        window.kind === 'session'
          ? event.time + pane
          : window.kind === 'running'
            ? Infinity
            : Math.floor((event.time - offset) / pane) * pane + offset + pane
      if (Math.max(max - bound, event.arrival - life) >= end + allowed) late.push(event.id)
      else inTime.push(event)
      max = Math.max(max, Math.min(event.time, event.arrival + skew))
    }
    maxAtEnd.set(shard, max)
  }
  const rows = new Map<string, { events: number; total: number; closes: number }>()
  const add = (key: string, start: number, end: number, amount: number, closes = end) => {
    const id = `${key} ${start} ${end}`
    const row = rows.get(id) ?? { events: 0, total: 0, closes }
    rows.set(id, { events: row.events + 1, total: row.total + amount, closes })
  }
  if (window.kind === 'session') {
    for (const key of new Set(inTime.map((one) => one.key))) {
      const times = inTime.filter((one) => one.key === key).sort((a, b) => a.time - b.time)
      let session: Sent[] = []
      const close = () => {
        if (session.length === 0) return
        const end = session.at(-1)!.time + pane
        for (const one of session) add(key, session[0]!.time, end, one.amount, end + pane)
        session = []
      }
      for (const one of times) {
        if (session.length > 0 && one.time - session.at(-1)!.time > pane) close()
        session.push(one)
      }
      close()
    }
  } else {
    for (const { key, time, amount } of inTime) {
      if (window.kind === 'running') add(key, 0, 0, amount)
      else {
        const size = window.sizeSeconds * SECOND
        const slide =
          (window.kind === 'sliding' ? window.slideSeconds : window.sizeSeconds) * SECOND
        const last = Math.floor((time - offset) / slide) * slide + offset
        for (let start = last; start + size > time; start -= slide) {
          // An event is in the windows that hold its pane.
          add(key, start, start + size, amount)
        }
      }
    }
  }
  return { rows, late: late.sort() }
}

async function featureRows(cell: MemoryCell, view: ViewDefinition) {
  const lake = {
    objects: cell.objects,
    catalog: cell.catalog,
    clock: cell.clock,
    ids: { snapshotId: () => 0n, uuid: () => '' },
  }
  const name = { database: 'weir', name: featureTableName(cell.contract.product, view) }
  const table = await loadTable(lake, name)
  if (table === undefined) return undefined
  const rows: { id: string; events: number; total: number; revision: number }[] = []
  for (const file of await table.liveFiles()) {
    const { fields } = featureTableSchema(view, cell.contract)
    const batch = await decodeFields(await cell.objects.get(file.path), fields)
    const counts = batch.columns.get('events') as Extract<Column, { kind: 'int64' }>
    const totals = batch.columns.get('total') as Extract<Column, { kind: 'int64' }>
    for (const [row, at] of finalRowKeys(view, cell.contract, batch).entries()) {
      rows.push({
        id: `${at.key} ${at.windowStart} ${at.windowEnd}`,
        events: Number(counts.values[row]),
        total: Number(totals.values[row]),
        revision: at.revision,
      })
    }
  }
  return { rows, closed: closedOf(table) }
}

async function lateIds(cell: MemoryCell): Promise<string[]> {
  const ids: string[] = []
  for await (const { uri } of cell.objects.list('s3://bucket/late/')) {
    const batch = await decodeParquet(await cell.objects.get(uri), ['event_id'])
    const column = batch.columns.get('event_id') as Extract<Column, { kind: 'utf8' }>
    for (let row = 0; row < batch.rows; row++) ids.push(utf8At(column, row))
  }
  return ids.sort()
}

async function run(seed: number, window: WindowDefinition) {
  const random = seededRandom(seed)
  const below = (n: number) => Math.floor(random() * n)
  const contract = eventContract({
    allowedLatenessSeconds: [0, 5, 20][below(3)]!,
    outOfOrdernessSeconds: [0, 3, 10][below(3)]!,
    maxFutureSkewMinutes: 1,
    partitioning: [],
  })
  const view = viewOf(window)
  const cell = new MemoryCell(contract)
  cell.views = [view]
  const stream = new Stream()
  for (let shard = 0; shard < 1 + below(3); shard++) {
    stream.add(`s${shard}`, [])
    cell.shards.listed.set(`s${shard}`, [])
    cell.shards.open.add(`s${shard}`)
  }
  const open = new Set(stream.shards.keys())
  const taken = new Map<string, number>()
  let now = BASE
  let sent = 0
  let sequence = 0
  let closedBefore = -Infinity
  const steps = {
    send() {
      const shard = [...open][below(open.size)]!
      const events = Array.from({ length: 1 + below(4) }, (): Sent => {
        const behind = below(10) === 0 ? below(60) : below(6)
        const ahead = below(120) === 0 ? 3600 * 24 : 0
        const time = now + (ahead - behind) * SECOND + below(SECOND / 1000) * 1000
        return { id: `e${sent++}`, key: `k${below(3)}`, time, amount: below(500), arrival: now }
      })
      const held = stream.shards.get(shard)!
      held.records.push(eventRecord(++sequence, now, contract.eventType, events))
      held.events.push(...events)
      cell.shards.tips.set(shard, held.records.at(-1)!.sequence)
      now += below(5) * SECOND
    },
    async archive() {
      const isDone = (shard: string): boolean => {
        const { records, parents } = stream.shards.get(shard)!
        return records.length === (taken.get(shard) ?? 0) && parents.every(isDone)
      }
      const ready = [...stream.shards].filter(
        ([shard, { parents, records }]) =>
          parents.every(isDone) && records.length > (taken.get(shard) ?? 0),
      )
      if (ready.length === 0) return
      const [shard, { records }] = ready[below(ready.length)]!
      const from = taken.get(shard) ?? 0
      const to = Math.min(records.length, from + 1 + below(3))
      await cell.archive().take(shard, records.slice(from, to))
      taken.set(shard, to)
    },
    update: () => cell.update(),
    async finalize() {
      await cell.finalize(stream, undefined, { maxRows: 5, maxWindows: 3, chunkRows: 2 })
      const found = await featureRows(cell, view)
      if (found === undefined) return
      expect(found.closed).toBeGreaterThanOrEqual(closedBefore)
      closedBefore = found.closed
      const ids = found.rows.map(({ id }) => id)
      expect(new Set(ids).size, 'a row is there once').toBe(ids.length)
    },
    async split() {
      if (stream.shards.size > 5) return
      const shard = [...open][below(open.size)]!
      const isMerge = open.size > 1 && below(2) === 0
      const parents = isMerge ? [...open].slice(0, 2) : [shard]
      for (const parent of parents) {
        open.delete(parent)
        cell.shards.open.delete(parent)
      }
      for (let child = 0; child < (isMerge ? 1 : 2); child++) {
        const name = `s${stream.shards.size}`
        stream.add(name, parents)
        cell.shards.listed.set(name, parents)
        cell.shards.open.add(name)
        open.add(name)
      }
    },
  }
  const names = ['send', 'send', 'send', 'archive', 'archive', 'update', 'finalize'] as const
  for (let step = 0; step < 120; step++) {
    if (below(40) === 0) await steps.split()
    await steps[names[below(names.length)]!]()
  }
  // Everything that was sent is taken, and what is closed now is closed.
  for (let i = 0; i < 200; i++) await steps.archive()
  await steps.update()
  await steps.finalize()
  await steps.finalize()

  const truth = oracle(contract, window, stream)
  const found = await featureRows(cell, view)
  expect(await lateIds(cell)).toEqual(truth.late)
  const slotsTotal = cell.slots
    .all()
    .reduce((sum, { states }) => sum + storedCount(states.events), 0)
  expect(slotsTotal).toBe(sent - truth.late.length)
  if (window.kind === 'running') {
    expect(found).toBeUndefined()
    return { rows: 0, revised: 0, late: truth.late.length }
  }
  const closed = found!.closed
  const expected = [...truth.rows]
    .filter(([, row]) => row.closes <= closed)
    .map(([id, { events, total }]) => ({ id, events, total }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  const rows = found!.rows
    .map(({ id, events, total }) => ({ id, events, total }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
  expect(rows).toEqual(expected)
  return {
    rows: rows.length,
    revised: found!.rows.filter((row) => row.revision > 0).length,
    late: truth.late.length,
  }
}

describe('windows, whatever the order of things', () => {
  it.each(Object.entries(WINDOWS))(
    '%s',
    async (_name, window) => {
      const total = { rows: 0, revised: 0, late: 0 }
      for (let seed = 1; seed <= 15; seed++) {
        const outcome = await run(seed, window).catch((error: Error) => {
          error.message = `seed ${seed}: ${error.message}`
          throw error
        })
        total.rows += outcome.rows
        total.revised += outcome.revised
        total.late += outcome.late
      }
      if (window.kind === 'running') return
      expect(total.rows).toBeGreaterThan(100)
      expect(total.late).toBeGreaterThan(10)
      if (window.kind !== 'session') expect(total.revised).toBeGreaterThan(0)
    },
    60_000,
  )
})
