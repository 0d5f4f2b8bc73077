import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_MINUTE, type Micros } from '#lib/domain/kernel/time.ts'
import type { ProductLayout } from './layout.ts'
import type { EventName, ProducerEvent } from './producer-event.ts'
import { placeOf, type QuarantinedBatch, type Replayable, revalidate } from './replay-candidates.ts'
import type { ReplayClaim, ReplayClaims } from './replay-claims.ts'

/** What sending rejected events again needs. */
export interface ReplaySender {
  readonly contracts: ContractVersions
  readonly objects: ObjectStore
  readonly layout: ProductLayout
  readonly clock: Clock
  /** The events with these ids that the product's tables have taken since then. */
  readonly admitted: (
    ids: readonly string[],
    sinceMicros: Micros,
  ) => Promise<readonly AdmittedEvent[]>
  /** Resolves when everything that the stream holds at this moment is in the tables, or throws. */
  readonly settled: () => Promise<void>
  /** Resolves when the stream has acknowledged all of them, in their order; sends nothing after `untilMs`. */
  readonly send: (events: readonly ProducerEvent[], untilMs: number) => Promise<void>
}

export interface AdmittedEvent extends EventName {
  readonly arrivalMicros: Micros
}

/** How long after a claim its events may still be sent: well within the horizon. */
export function sendSpanMs(contracts: ContractVersions): number {
  return horizonMs(contracts) / 8
}

/**
 * Finishes a claim whose replay did not: some of its events may be in the stream, nobody knows which. While a copy that
 * is sent now still meets the first within the dedup horizon, all are sent again and doubled ones are known as
 * duplicates. Later, or if another contract may send them to another shard, only those are sent that no table has, once
 * everything that ever reached the stream is in the tables. Answers the claim as it was finished.
 */
export async function resumeClaim(
  deps: ReplaySender,
  claims: ReplayClaims,
  batch: QuarantinedBatch,
  claim: ReplayClaim,
): Promise<ReplayClaim> {
  const { clock, contracts } = deps
  const toSend = new Set(claim.toSend)
  const rows = batch.all.filter((row) => toSend.has(placeOf(row)))
  // What today's contract rejects again is left to whoever looks next.
  const { replayable } = revalidate(contracts, rows)
  const nowMs = clock.nowMs()
  const spanMs = sendSpanMs(contracts)
  const isSameWay = claim.contractVersion === contracts.current.version
  if (!isSameWay && nowMs < claim.claimedAtMs + spanMs) {
    throw new PlatformError(
      'replay.underWay',
      `a replay under contract ${claim.contractVersion} may still be sending: repeat in ${Math.ceil(spanMs / 60_000)} min`,
      { retryable: true },
    )
  }
  const isDeduplicated = isSameWay && nowMs + spanMs < claim.claimedAtMs + horizonMs(contracts) / 2
  if (!isDeduplicated) await deps.settled()
  const absent = isDeduplicated ? new Set(replayable) : await absentFrom(deps, replayable)
  const events = replayable.filter((one) => absent.has(one)).map((one) => one.event)
  if (events.length > 0) await deps.send(events, nowMs + spanMs)
  const done = [...claim.known, ...replayable.map((one) => placeOf(one.row))]
  await claims.finish(batch.entry, claim, done)
  return { ...claim, done }
}

/** Those that no table has, each identity once: what was rejected twice is still one event. */
export async function absentFrom(
  deps: Pick<ReplaySender, 'admitted' | 'contracts'>,
  candidates: readonly Replayable[],
): Promise<ReadonlySet<Replayable>> {
  if (candidates.length === 0) return new Set()
  const horizonMicros = deps.contracts.current.dedupHorizonMinutes * MICROS_PER_MINUTE
  const arrivals = candidates.map((one) => one.row.arrivalMicros)
  const earliest = arrivals.reduce((least, one) => Math.min(least, one))
  const ids = [...new Set(candidates.map((one) => one.event.id))]
  const latest = new Map<string, Micros>()
  for (const event of await deps.admitted(ids, earliest - horizonMicros)) {
    const before = latest.get(keyOf(event)) ?? -Infinity
    latest.set(keyOf(event), Math.max(before, event.arrivalMicros))
  }
  const absent = new Set<Replayable>()
  for (const one of candidates) {
    // What the table took a whole horizon earlier is another event, to everyone.
    const isAdmitted =
      (latest.get(keyOf(one.event)) ?? -Infinity) > one.row.arrivalMicros - horizonMicros
    if (isAdmitted) continue
    latest.set(keyOf(one.event), Infinity)
    absent.add(one)
  }
  return absent
}

function horizonMs({ current }: ContractVersions): number {
  return current.dedupHorizonMinutes * 60_000
}

function keyOf({ source, id }: EventName): string {
  return JSON.stringify([source, id])
}
