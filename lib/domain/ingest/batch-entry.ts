import { majorOf } from '#lib/domain/contract/version.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import type { DecidedBatch } from './decided-batch.ts'
import type { DerivedObjects } from './derived-objects.ts'
import type { JournalEntry } from './journal.ts'
import type { Judgement } from './judge.ts'
import { nextMajorStarts } from './major-starts.ts'

/** The entry that hands a batch over: a function of raw, of the verdicts and of the entry before it. */
export function entryOf(
  { shard, inForce, range, arrivals }: DecidedBatch,
  { prev, head, uri }: { prev: Predecessor; head: JournalEntry | undefined; uri: string },
  judgement: Judgement,
  derived: DerivedObjects,
  maxEventTimeBefore: number | undefined,
): JournalEntry {
  const after = greatest(maxEventTimeBefore, judgement.cappedMaxEventTime)
  const majors = nextMajorStarts(head, inForce)
  const latest = arrivals.reduce((most, value) => Math.max(most, value))
  return {
    shard,
    prev,
    ...range,
    contractVersion: inForce.named.version,
    rawUri: uri,
    ...derived,
    counts: judgement.counts,
    arrival: {
      min: arrivals.reduce((least, value) => Math.min(least, value)),
      max: latest,
      last: arrivals.at(-1)!,
      greatest: Math.max(latest, head?.arrival.greatest ?? latest),
    },
    ...(judgement.eventTime ? { eventTime: judgement.eventTime } : {}),
    ...(maxEventTimeBefore === undefined ? {} : { maxEventTimeBefore }),
    ...(after === undefined ? {} : { maxEventTimeAfter: after }),
    ...(judgement.drift === undefined ? {} : { drift: judgement.drift }),
    ...(majors === undefined ? {} : { majors }),
    ...(inForce.majors.length === 1 ? {} : { admittedByMajor: admittedByMajor(judgement) }),
  }
}

function admittedByMajor({ admitted }: Judgement): Record<string, number> {
  const rows = admitted.map(({ contract, batch }) => [majorOf(contract.version), batch.rows])
  return Object.fromEntries(rows)
}

function greatest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.max(a, b)
}
