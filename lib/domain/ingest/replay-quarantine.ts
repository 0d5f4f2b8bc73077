import type { Journal } from './journal.ts'
import {
  type OpenText,
  placeOf,
  type QuarantinedBatch,
  type QuarantineFilter,
  quarantinedBatches,
  type Replayable,
  revalidate,
} from './replay-candidates.ts'
import { claimedPlaces, ReplayClaims } from './replay-claims.ts'
import { absentFrom, type ReplaySender, resumeClaim, sendSpanMs } from './replay-sending.ts'

export interface ReplayDependencies extends ReplaySender {
  readonly journal: Journal
  /** @default what is sealed stays so, and is left as no event */
  readonly open?: OpenText
}

export interface ReplayOptions extends QuarantineFilter {
  /** Events to send at most. @default all */
  readonly limit?: number
  /** Only says what would be done: writes and sends nothing. @default false */
  readonly dryRun?: boolean
  readonly onProgress?: (considered: number) => void
}

/** Counts of rejected events that meet the filter; each is in exactly one of the fields after `considered`. */
export interface ReplayReport {
  readonly considered: number
  /** Sent now; by a dry run, found to be sent. */
  readonly sent: number
  /** A table has the event already: its producer sent it again, or it was rejected twice. */
  readonly alreadyAdmitted: number
  /** Another replay has taken care of them. */
  readonly replayedBefore: number
  /** Beyond the limit. */
  readonly notYet: number
  /** What today's contract still rejects, by today's reason; what could not be decoded is among them for ever. */
  readonly left: Readonly<Record<string, number>>
}

/** Events that are claimed, sent and confirmed together: as many as one question to the tables can name. */
const CHUNK = { events: 500, idBytes: 100_000 }

/**
 * Judges rejected events with today's contract and sends those that it takes through the stream again, as the same
 * events. Running it twice gives the same, also long after the dedup horizon, and so does dying anywhere in between:
 * see {@link resumeClaim}.
 */
export async function replayQuarantine(
  deps: ReplayDependencies,
  options: ReplayOptions = {},
): Promise<ReplayReport> {
  const claims = await ReplayClaims.load(deps.objects, deps.layout)
  const replay = new Replay(deps, claims, options)
  for await (const batch of quarantinedBatches(deps.journal, deps.objects, options, deps.open)) {
    await replay.look(batch)
  }
  await replay.flush()
  return replay.report()
}

interface Waiting {
  readonly batch: QuarantinedBatch
  readonly replayable: Replayable
}

class Replay {
  readonly #deps: ReplayDependencies
  readonly #claims: ReplayClaims
  readonly #options: ReplayOptions
  readonly #counts = { considered: 0, sent: 0, alreadyAdmitted: 0, replayedBefore: 0, notYet: 0 }
  readonly #left = new Map<string, number>()
  #waiting: Waiting[] = []
  #idBytes = 0

  constructor(deps: ReplayDependencies, claims: ReplayClaims, options: ReplayOptions) {
    this.#deps = deps
    this.#claims = claims
    this.#options = options
  }

  async look(batch: QuarantinedBatch): Promise<void> {
    const claimed = await this.#claimedIn(batch)
    const open = batch.rows.filter((row) => !claimed.has(placeOf(row)))
    this.#counts.considered += batch.rows.length
    this.#counts.replayedBefore += batch.rows.length - open.length
    const { replayable, left } = revalidate(this.#deps.contracts, open)
    for (const [reason, count] of left) {
      this.#left.set(reason, (this.#left.get(reason) ?? 0) + count)
    }
    for (const one of replayable) await this.#add({ batch, replayable: one })
    this.#options.onProgress?.(this.#counts.considered)
  }

  /** Takes care of everything looked at so far. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      this.#idBytes = 0
      await this.#replay(waiting)
    }
  }

  report(): ReplayReport {
    const byCount = [...this.#left].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    return { ...this.#counts, left: Object.fromEntries(byCount) }
  }

  /** The rows of a batch that replays have taken care of; what one of them left unfinished is finished first. */
  async #claimedIn(batch: QuarantinedBatch): Promise<ReadonlySet<string>> {
    const claimed = new Set<string>()
    for (const claim of await this.#claims.of(batch.entry)) {
      const finished =
        claim.done === undefined && this.#options.dryRun !== true
          ? await resumeClaim(this.#deps, this.#claims, batch, claim)
          : claim
      for (const place of claimedPlaces(finished)) claimed.add(place)
    }
    return claimed
  }

  async #add(one: Waiting): Promise<void> {
    const { limit = Infinity } = this.#options
    // What waits may turn out to be in a table already, and leave room below the limit.
    if (this.#counts.sent + this.#waiting.length >= limit) await this.flush()
    if (this.#counts.sent >= limit) {
      this.#counts.notYet += 1
      return
    }
    this.#waiting.push(one)
    this.#idBytes += Buffer.byteLength(one.replayable.event.id)
    const isFull = this.#waiting.length >= CHUNK.events || this.#idBytes >= CHUNK.idBytes
    if (isFull) await this.flush()
  }

  /** Claims, sends, confirms: in this order, so that what was begun is known whatever happens next. */
  async #replay(waiting: readonly Waiting[]): Promise<void> {
    const { clock, contracts, send } = this.#deps
    const claimedAtMs = clock.nowMs()
    const absent = await absentFrom(
      this.#deps,
      waiting.map((one) => one.replayable),
    )
    const won: { batch: QuarantinedBatch; own: Waiting[]; finish: () => Promise<void> }[] = []
    for (const [batch, own] of Map.groupBy(waiting, (one) => one.batch)) {
      const places = (isAbsent: boolean) =>
        own
          .filter((one) => absent.has(one.replayable) === isAbsent)
          .map((one) => placeOf(one.replayable.row))
      if (this.#options.dryRun === true) {
        won.push({ batch, own, finish: async () => {} })
        continue
      }
      const claim = await this.#claims.claim(batch.entry, {
        contractVersion: contracts.current.version,
        claimedAtMs,
        toSend: places(true),
        known: places(false),
      })
      if (claim === undefined) await this.#yieldToRival(batch, own)
      else {
        const finish = () => this.#claims.finish(batch.entry, claim, claimedPlaces(claim))
        won.push({ batch, own, finish })
      }
    }
    const all = won.flatMap(({ own }) => own)
    const toSend = all.filter((one) => absent.has(one.replayable))
    if (toSend.length > 0 && this.#options.dryRun !== true) {
      const events = toSend.map((one) => one.replayable.event)
      await send(events, claimedAtMs + sendSpanMs(contracts))
    }
    this.#counts.sent += toSend.length
    this.#counts.alreadyAdmitted += all.length - toSend.length
    for (const { finish } of won) await finish()
  }

  /** Another replay, or an attempt of ours whose answer was lost, has claimed rows of this batch. */
  async #yieldToRival(batch: QuarantinedBatch, own: readonly Waiting[]): Promise<void> {
    const claimed = await this.#claimedIn(batch)
    for (const one of own) {
      if (claimed.has(placeOf(one.replayable.row))) this.#counts.replayedBefore += 1
      else this.#waiting.push(one)
    }
  }
}
