import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import { sameAnswer } from './equal.ts'
import { median } from './median.ts'
import { parseOnly, parseValidatePush } from './peers.ts'
import { type Case, lambdaRecords, tripsContract } from './trips.ts'

/** Who is measured, or `answers`: whether all of them say the same. */
export type Contestant = 'ours' | 'parseOnly' | 'validated'

export interface Answers {
  readonly equal: boolean
  /** Per event. */
  readonly columnBytes: { readonly fields: number; readonly place: number }
}

const EVENTS = 10_000
/** Processor time after which code is as fast as it gets; a machine may be busy meanwhile. */
const WARM_UP_MICROS = 2_000_000
const REPEATS = 31
const SHARD = 'shardId-000000000000'

const [name, who] = process.argv.slice(2) as [Case, Contestant | 'answers']
const contract = tripsContract()
const records = lambdaRecords(name, EVENTS, 42)

function answers(): Answers {
  const decoded = createDecoder(contract).decodeRecords(records, { shard: SHARD })
  const validated = parseValidatePush(contract)(records, SHARD)
  const { rows, columns } = decoded.batch
  let fields = 0
  let place = 0
  for (const [column, one] of columns) {
    const strings = one.kind === 'utf8' ? one.bytes.length + 4 * rows : 0
    const values = 'values' in one ? one.values.byteLength : strings
    const bytes = values + (one.nulls?.length ?? 0)
    if (column.startsWith('ingest_')) place += bytes
    else fields += bytes
  }
  return {
    equal: sameAnswer(decoded, validated) && parseOnly(records) === EVENTS,
    columnBytes: { fields: Math.round(fields / rows), place: Math.round(place / rows) },
  }
}

function runOf(contestant: Contestant): () => unknown {
  if (contestant === 'parseOnly') return () => parseOnly(records)
  if (contestant === 'validated') {
    const decode = parseValidatePush(contract)
    return () => decode(records, SHARD)
  }
  const decoder = createDecoder(contract)
  return () => decoder.decodeRecords(records, { shard: SHARD })
}

/**
 * The median of processor time per event, in nanoseconds: of all threads, because what a garbage collector does on
 * others is work, too. Each contestant has a process of its own, so that this is charged to who made the garbage.
 */
function measure(contestant: Contestant): number {
  const run = runOf(contestant)
  // Long enough for the clock, whoever runs.
  const times = contestant === 'ours' ? 4 : 1
  const measured: number[] = []
  const start = process.cpuUsage()
  const sinceStart = () => {
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  while (sinceStart() < WARM_UP_MICROS) run()
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const before = sinceStart()
    for (let i = 0; i < times; i++) run()
    measured.push((1_000 * (sinceStart() - before)) / (times * EVENTS))
  }
  return median(measured)
}

process.stdout.write(JSON.stringify(who === 'answers' ? answers() : measure(who)))
