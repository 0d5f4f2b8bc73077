import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { VersionedDecoder } from '#lib/domain/ingest/decoder/versioned-decoder.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { judge } from '#lib/domain/ingest/judge.ts'
import { ShardMemory } from '#lib/domain/ingest/shard-memory.ts'
import { microsOf } from '#lib/domain/kernel/columns.ts'
import type { Decimal } from '#lib/domain/kernel/decimal.ts'
import { type SequenceNumber, sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { MICROS_PER_MINUTE, type Micros } from '#lib/domain/kernel/time.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { lateMask } from '#lib/domain/process/entry-rows.ts'
import { isLate, lateFrom, latenessOf, watermarkAfter } from '#lib/domain/process/lateness.ts'
import { TouchedSlots } from '#lib/domain/process/touched-slots.ts'
import { writeSlots } from '#lib/domain/process/update-windows.ts'
import { panesOf } from '#lib/domain/process/window.ts'
import { closingOf } from './answer.ts'
import { OpenPanes } from './open-panes.ts'
import { itemBytes } from './slot-writes.ts'
import { VIEWS, type ViewName } from './views.ts'
import { bidsContract, listsOfLines } from './workload.ts'

/** What an engine says of a file, and what it took. */
export interface EngineRun {
  readonly answer: readonly string[]
  /** Of the processor, all threads: what the collector of garbage does on others is work, too. */
  readonly seconds: number
  readonly events: number
  readonly slotWrites: number
  /** Of an item in the table, on average over the last slots. */
  readonly bytesPerSlot: number
  readonly bytesPerRememberedId: number
  readonly secondsOf: Readonly<Record<string, number>>
}

/** A Lambda invocation's worth: 100 records of 100 events, some 5 MB of base64. */
const EVENTS_PER_RECORD = 100
const RECORDS_PER_BATCH = 100
/** What update-windows takes at once from a journal that is ahead of it. */
const ENTRIES_PER_UPDATE = 20
/** Two updates. */
const WARM_UP_EVENTS = 400_000
const SHARD = 'shardId-000000000000'
const ARRIVAL_MICROS = Date.UTC(2026, 0, 1) * 1_000
const MICROS_PER_RECORD = 50_000

/** Whether windows stay in memory until they close, or each becomes a slot at every update, as what somebody may read has to. */
export type EngineMode = 'memory' | 'slots'

const [path, viewName, mode, answered] = process.argv.slice(2) as [
  string,
  ViewName,
  EngineMode,
  'unanswered' | undefined,
]
const contract = bidsContract()
const contracts = versionsOf([contract])
const inForce = contracts.inForce(contract.version)
const view = VIEWS[viewName]
const lateness = latenessOf(contract)!
const panes = panesOf(view.window)
const endOf = lateFrom(panes, false)
const skew = contract.maxFutureSkewMinutes * MICROS_PER_MINUTE

/** Processor time by step. */
class Laps {
  readonly seconds: Record<string, number> = {}
  #at = process.cpuUsage()

  lap(step: string | undefined): void {
    const { user, system } = process.cpuUsage(this.#at)
    this.#at = process.cpuUsage()
    if (step !== undefined) this.seconds[step] = (this.seconds[step] ?? 0) + (user + system) / 1e6
  }
}

function lambdaRecords(lists: readonly Buffer[], start: number): EncodedRecord[] {
  return lists.map((list, at) => ({
    sequence: sequenceNumber(String(49_600_000_000_000_000_000_000_000n + BigInt(start + at))),
    arrivalMicros: ARRIVAL_MICROS + (start + at) * MICROS_PER_RECORD,
    data: list.toString('base64'),
  }))
}

async function run(most = Number.POSITIVE_INFINITY): Promise<EngineRun> {
  const slots = new OpenPanes()
  const algebras = view.aggregates.map((one) => [one.name, aggregateOf(one, contract)] as const)
  const slotRun = {
    slots: slots as never,
    clock: { nowMs: () => 0 },
    becomesFinal: true,
  }
  const memory = await ShardMemory.load(
    new MemoryJournal(),
    new MemoryObjectStore({ clock: { nowMs: () => 0 } }),
    { shard: SHARD, lineage: {}, startDate: '2026-01-01' } as never,
    contract.dedupHorizonMinutes,
    ARRIVAL_MICROS,
  )
  const identify = keyedIdentity(new Uint8Array(32).fill(7))
  const decoder = new VersionedDecoder()
  const closing = closingOf(view.window)
  const laps = new Laps()
  let greatest: number | undefined
  let events = 0
  let entries = 0
  let position = 0
  const shardSlots = { view, contract, name: view.name, shard: SHARD, algebras }
  let touched = new TouchedSlots(shardSlots)

  const update = async () => {
    const closed = watermarkAfter(lateness, greatest) - panes.width + 1
    if (mode === 'slots') {
      await writeSlots(slotRun, touched)
      laps.lap('slots')
    } else {
      closeTouched(closed)
    }
    touched = new TouchedSlots(shardSlots)
    close(closed)
  }
  /** What is closed by now goes out from where it was added; only what stays open becomes a slot. */
  const closeTouched = (before: Micros) => {
    for (let slot = 0; slot < touched.count; slot++) {
      const start = touched.paneStartOf(slot)
      const key = touched.keyOf(slot)
      const stored = slots.slot(start, key)
      if (stored !== undefined || start >= before) {
        slots.put(touched.withAdditions(slot, stored, 0))
        continue
      }
      const bids = algebras[0]![1].finish(touched.state(slot, 0)) as number
      const total = algebras[1]![1].finish(touched.state(slot, 1)) as Decimal
      closing.add(start, key, bids, Number(total.unscaled))
    }
    laps.lap('closing')
  }
  const close = (before: Micros) => {
    for (const { paneStart, key, states } of slots.takeBefore(before)) {
      const [bids, total] = algebras.map(([name, algebra]) =>
        algebra.finish(algebra.fromStored(states[name])),
      )
      closing.add(paneStart, key, bids as number, Number((total as Decimal).unscaled))
    }
    laps.lap('closing')
  }

  for (const lists of listsOfLines(path, EVENTS_PER_RECORD, RECORDS_PER_BATCH)) {
    if (events >= most) break
    const records = lambdaRecords(lists, position)
    position += records.length
    laps.lap(undefined)

    const decoded = decoder.decodeRecords(inForce, records, { shard: SHARD })
    laps.lap('decode')
    const judgement = judge(decoded, inForce, memory, identify)
    memory.admit(judgement.identities, judgement.arrivalMinutes)
    memory.forgetBeyondHorizon(records.at(-1)!.arrivalMicros)
    laps.lap('dedup')
    events += judgement.counts.received
    for (const { batch } of judgement.admitted) {
      const after = Math.max(
        greatest ?? judgement.cappedMaxEventTime!,
        judgement.cappedMaxEventTime!,
      )
      const least = endOf(judgement.eventTime!.min)
      const late = isLate(lateness, least, after, records.at(-1)!.arrivalMicros)
        ? lateMask(
            {
              rows: batch.rows,
              times: microsOf(batch.columns.get(contract.eventTime) as never),
              arrivals: microsOf(batch.columns.get('ingest_time') as never),
            },
            lateness,
            endOf,
            skew,
            greatest,
          )
        : undefined
      if (late !== undefined) throw new Error('nothing of this workload is late')
      touched.add(records.at(-1)!.sequence as SequenceNumber, batch)
      greatest = after
    }
    laps.lap('group and aggregate')
    if (++entries % ENTRIES_PER_UPDATE === 0) await update()
  }
  await update()
  laps.lap(undefined)
  const bytes = [...slots.all()].map(itemBytes)
  laps.lap(undefined)
  close(Number.POSITIVE_INFINITY)
  const seconds = Object.values(laps.seconds).reduce((sum, one) => sum + one, 0)
  return {
    // Sliding windows are put together after the clock has stopped: the product does it when somebody asks.
    answer: answered === 'unanswered' ? [] : closing.finish(),
    seconds,
    events,
    slotWrites: slots.writes,
    bytesPerSlot: Math.round(bytes.reduce((sum, one) => sum + one, 0) / bytes.length),
    bytesPerRememberedId: Math.round(memory.sizeBytes / memory.size),
    secondsOf: laps.seconds,
  }
}

// What is measured is a warm process.
await run(WARM_UP_EVENTS)
process.stdout.write(JSON.stringify(await run()))
