import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import { sameAnswer } from './equal.ts'
import { median } from './median.ts'
import { parseOnly, parseValidatePush } from './peers.ts'
import { type Case, lambdaRecords, tripsContract } from './trips.ts'

/** What a process of its own measured: medians, in nanoseconds per event. */
export interface WarmTimes {
  readonly ours: number
  readonly parseOnly: number
  readonly validated: number
  readonly equal: boolean
  readonly events: number
  readonly columnBytes: { readonly fields: number; readonly place: number }
}

const EVENTS = 10_000
const WARM_UP = 6
const REPEATS = 11
/** Ours is shorter than the clock's and the machine's unrest: it runs several times for each run of a peer. */
const OURS_PER_REPEAT = 4
const SHARD = 'shardId-000000000000'

/**
 * In CPU time of the whole process: what other processes do meanwhile counts least in it, and what a garbage collector
 * does on other threads is work, too. Ours and the peers take turns in this
 * process, which has one case only: decoders of other cases would share its feedback.
 */
function measure(name: Case): WarmTimes {
  const contract = tripsContract()
  const records = lambdaRecords(name, EVENTS, 42)
  const decoder = createDecoder(contract)
  const validated = parseValidatePush(contract)
  const decodedOnce = decoder.decodeRecords(records, { shard: SHARD })
  const equal = sameAnswer(decodedOnce, validated(records, SHARD)) && parseOnly(records) === EVENTS
  const runs = {
    ours: () => {
      for (let i = 0; i < OURS_PER_REPEAT; i++) decoder.decodeRecords(records, { shard: SHARD })
    },
    parseOnly: () => parseOnly(records),
    validated: () => validated(records, SHARD),
  }
  const names = Object.keys(runs) as (keyof typeof runs)[]
  const times = { ours: [] as number[], parseOnly: [] as number[], validated: [] as number[] }
  for (let repeat = -WARM_UP; repeat < REPEATS; repeat++) {
    for (const one of repeat % 2 === 0 ? names : names.toReversed()) {
      const started = process.cpuUsage()
      runs[one]()
      const { user, system } = process.cpuUsage(started)
      const elapsed = (user + system) / 1000
      if (repeat >= 0) times[one].push(one === 'ours' ? elapsed / OURS_PER_REPEAT : elapsed)
    }
  }
  const perEvent = (list: readonly number[]) => Math.round((median(list) / EVENTS) * 1e6)
  return {
    ours: perEvent(times.ours),
    parseOnly: perEvent(times.parseOnly),
    validated: perEvent(times.validated),
    equal,
    events: EVENTS,
    columnBytes: columnBytes(decodedOnce),
  }
}

function columnBytes({ batch }: ReturnType<ReturnType<typeof createDecoder>['decodeRecords']>) {
  let fields = 0
  let place = 0
  for (const [name, column] of batch.columns) {
    const strings = column.kind === 'utf8' ? column.bytes.length + 4 * batch.rows : 0
    const values = 'values' in column ? column.values.byteLength : strings
    const bytes = values + (column.nulls?.length ?? 0)
    if (name.startsWith('ingest_')) place += bytes
    else fields += bytes
  }
  return { fields: Math.round(fields / batch.rows), place: Math.round(place / batch.rows) }
}

process.stdout.write(JSON.stringify(measure(process.argv[2] as Case)))
