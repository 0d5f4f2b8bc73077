import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { KinesisModel, RecordInput } from '../cloud/kinesis.ts'
import { Process } from '../cloud/process.ts'
import { between, type Choices, hashOf, oneOf } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import {
  drawEvent,
  drawUndecodable,
  encodeRecord,
  type SentEvent,
  type SentRecord,
} from './events.ts'
import { DEDUP_HORIZON_MINUTES } from './product.ts'

export interface ProducerSettings {
  readonly sends: number
  /** Records of one send, at most. */
  readonly records: number
  /** Events of one record, at most. */
  readonly events: number
  /** Whether it is away for days between two sends. */
  readonly isAway: boolean
  /** Whether it hardly pauses between two sends. */
  readonly isBusy: boolean
}

interface PlannedSend {
  readonly afterMs: number
  readonly records: readonly RecordInput<SentRecord>[]
}

const MINUTE_MS = 60_000
const DAY_MS = 1440 * MINUTE_MS
/** Until old objects are orphans; until slots have gone, and later what is known of their panes. */
const AWAY_MS = [2 * DAY_MS, 5 * DAY_MS, 10 * DAY_MS, 13 * DAY_MS, 20 * DAY_MS]
/** How far what a producer sends to one place lies back: what others send has closed its windows long since. */
const LAGS_MS = [0, 0, 0, 20 * MINUTE_MS, 50 * MINUTE_MS]
const PLACES = 3

interface Surroundings {
  readonly stream: KinesisModel<SentRecord>
  readonly scheduler: Scheduler
  readonly choices: Choices
}

/**
 * Sends batches of events, with pauses of seconds, minutes and sometimes hours; sends again what it got no answer
 * for, and now and then what it had an answer for, packed anew, also to another place.
 */
export async function runProducer(
  name: string,
  settings: ProducerSettings,
  surroundings: Surroundings,
): Promise<void> {
  const process = new Process(name)
  const death = new Promise<void>((resolve) => {
    process.onDeath(resolve)
  })
  await Promise.race([death, sendAll(process, settings, surroundings)])
}

async function sendAll(
  process: Process,
  settings: ProducerSettings,
  { stream, scheduler, choices }: Surroundings,
): Promise<void> {
  const { name } = process
  const plan = planSends(name, settings, choices.random(name), scheduler.nowMs)
  for (const { afterMs, records } of plan) {
    await scheduler.sleep(afterMs, name, 'pauses')
    let left = records.filter(({ content }) => choices.includes(`record ${content.name}`))
    for (let attempt = 1; left.length > 0 && attempt <= 8; attempt++) {
      const sent = left
      const taken = await stream.putRecords(process, sent).catch(() => undefined)
      left = sent.filter((_record, at) => taken?.[at] !== true)
      if (left.length > 0) await scheduler.sleep(500 * 2 ** attempt, name, 'sends again')
    }
  }
}

function planSends(
  name: string,
  settings: ProducerSettings,
  random: Random,
  startMs: number,
): readonly PlannedSend[] {
  const known: SentEvent[] = []
  const records: RecordInput<SentRecord>[] = []
  let nowMs = startMs
  const lagsMs = Array.from({ length: PLACES }, () => oneOf(random, LAGS_MS))
  const awayBefore = settings.isAway ? between(random, 1, settings.sends - 1) : -1
  return Array.from({ length: settings.sends }, (_, send) => {
    const afterMs =
      drawPause(random, settings.isBusy) + (send === awayBefore ? oneOf(random, AWAY_MS) : 0)
    nowMs += afterMs
    const count = between(random, 1, settings.records)
    const planned = Array.from({ length: count }, (_, at) => {
      const content = `${name}.${send}.${at}`
      const again = records.length > 0 && random() < 0.08
      const record = again
        ? { ...oneOf(random, records) }
        : drawRecord({
            random,
            source: name,
            name: content,
            known,
            nowMs,
            lagsMs,
            mostEvents: settings.events,
          })
      records.push(record)
      return { ...record, content: { ...record.content, name: content } }
    })
    return { afterMs, records: planned }
  })
}

function drawPause(random: Random, isBusy: boolean): number {
  const chance = random()
  if (chance < 0.9) return between(random, 10, isBusy ? 1_000 : 12_000)
  if (chance < 0.95) return between(random, 1, 40) * MINUTE_MS
  // What is sent again then is a duplicate just so, or just so no longer.
  if (chance < 0.98) return between(random, -2, 1) * MINUTE_MS + DEDUP_HORIZON_MINUTES * MINUTE_MS
  return between(random, 40, 200) * MINUTE_MS
}

function drawRecord(of: {
  readonly random: Random
  readonly source: string
  readonly name: string
  readonly known: SentEvent[]
  readonly nowMs: number
  readonly lagsMs: readonly number[]
  readonly mostEvents: number
}): RecordInput<SentRecord> {
  const { random, source, name, known, nowMs, lagsMs, mostEvents } = of
  // What belongs together goes to one place, but for a producer that was set up otherwise.
  const group = between(random, 0, PLACES - 1)
  const place = random() < 0.9 ? (hashOf(`${source}${group}`) % 1000) / 1000 : random()
  if (random() < 0.04) {
    return {
      place,
      data: drawUndecodable(random),
      content: { name, events: [], isDecodable: false },
    }
  }
  const events = Array.from({ length: between(random, 1, mostEvents) }, (_, at) => {
    if (known.length > 0 && random() < 0.1) return oneOf(random, known)
    // Another event may come under a known id: then the first one counts.
    const isTwin = known.length > 0 && random() < 0.02
    const id = isTwin ? oneOf(random, known).id : `${name}.${at}`
    const event = drawEvent(random, source, id, nowMs - lagsMs[group]!)
    known.push(event)
    return event
  })
  return {
    place,
    data: encodeRecord(random, events),
    content: { name, events, isDecodable: true },
  }
}
