import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { MICROS_PER_MINUTE, minuteOf } from '#lib/domain/kernel/time.ts'
import { IdentitySet, identityWords } from './identity-set.ts'
import { ancestorsOf, type Journal, type JournalEntry, type ShardRegistration } from './journal.ts'
import { decodeVerdicts } from './verdicts-object.ts'

const READS_AT_ONCE = 64
/** Arrival stamps of one shard are not monotone: identities are kept this much longer than the newest one asks for. */
const ARRIVAL_SLACK_MINUTES = 60

/**
 * What must be remembered of a shard's earlier positions: the identities admitted within the dedup horizon,
 * in the shard and every ancestor. Valid only for the head it was loaded at or advanced to.
 */
export class ShardMemory {
  readonly #identities = new IdentitySet()
  readonly horizonMinutes: number
  #sinceMinute: number

  private constructor(horizonMinutes: number, sinceMinute: number) {
    this.horizonMinutes = horizonMinutes
    this.#sinceMinute = sinceMinute
  }

  /**
   * Reads the journal back to the horizon before `earliestArrivalMicros`, the oldest arrival about to be
   * judged. Every read is consistent: a missed identity would admit a duplicate.
   */
  static async load(
    journal: Journal,
    objects: Pick<ObjectStore, 'get'>,
    registration: ShardRegistration,
    horizonMinutes: number,
    earliestArrivalMicros: number,
  ): Promise<ShardMemory> {
    const since = minuteOf(earliestArrivalMicros) - horizonMinutes - ARRIVAL_SLACK_MINUTES
    const memory = new ShardMemory(horizonMinutes, since)
    for (const shard of [registration.shard, ...ancestorsOf(registration)]) {
      const entries: JournalEntry[] = []
      for await (const entry of journal.newestFirst(shard)) {
        if (minuteOf(entry.arrival.greatest) < since) break
        entries.push(entry)
      }
      // Side by side: a day of batches is tens of thousands of objects. Their order does not matter.
      await inParallel(entries, READS_AT_ONCE, (entry) => memory.remember(entry, objects))
    }
    return memory
  }

  /** Identities that it holds. */
  get size(): number {
    return this.#identities.size
  }

  /** Bytes that they take. */
  get sizeBytes(): number {
    return this.#identities.sizeBytes
  }

  /** Whether it reaches back far enough to judge records that arrived then. */
  covers(earliestArrivalMicros: number): boolean {
    return minuteOf(earliestArrivalMicros) - this.horizonMinutes >= this.#sinceMinute
  }

  /** Takes over what the journal says was admitted: also when another attempt's entry won. */
  async remember(entry: JournalEntry, objects: Pick<ObjectStore, 'get'>): Promise<void> {
    if (entry.verdictsUri === undefined) return
    const verdicts = decodeVerdicts(entry.verdictsUri, await objects.get(entry.verdictsUri))
    this.admit(verdicts.identities, verdicts.arrivalMinutes)
  }

  /** Remembers admissions, an identity and a minute each. */
  admit(identities: Uint8Array, arrivalMinutes: Int32Array): void {
    this.#identities.add(identityWords(identities), arrivalMinutes)
  }

  /**
   * When each of so many identities, as words, was admitted last: an arrival minute, or `NEVER`. An event that arrives
   * less than the horizon after that is a duplicate.
   */
  admittedMinutes(identities: Int32Array, count: number): Int32Array {
    return this.#identities.minutesOf(identities, count)
  }

  /** Lets go of what no later record can be compared with. */
  forgetBeyondHorizon(arrivalMicros: number): void {
    const slack = ARRIVAL_SLACK_MINUTES * MICROS_PER_MINUTE
    const floor = minuteOf(arrivalMicros - slack) - this.horizonMinutes
    this.#identities.forgetBefore(floor)
    // From here on it no longer covers what lies before: a record with an older stamp makes it load again.
    this.#sinceMinute = Math.max(this.#sinceMinute, floor)
  }
}
