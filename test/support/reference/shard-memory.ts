import {
  ancestorsOf,
  type Journal,
  type JournalEntry,
  type ShardRegistration,
} from '#lib/domain/ingest/journal.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'

/** Every identity that a shard and its ancestors ever admitted, with the latest arrival minute; nothing is forgotten. */
export class ReferenceMemory {
  readonly #minutes = new Map<string, number>()
  readonly horizonMinutes: number

  constructor(horizonMinutes: number) {
    this.horizonMinutes = horizonMinutes
  }

  static async load(
    journal: Journal,
    objects: ObjectStore,
    registration: ShardRegistration,
    horizonMinutes: number,
  ): Promise<ReferenceMemory> {
    const memory = new ReferenceMemory(horizonMinutes)
    for (const shard of [registration.shard, ...ancestorsOf(registration)]) {
      for await (const entry of journal.newestFirst(shard)) await memory.remember(entry, objects)
    }
    return memory
  }

  async remember({ verdictsUri }: JournalEntry, objects: ObjectStore): Promise<void> {
    if (verdictsUri === undefined) return
    const { identities, arrivalMinutes } = decodeVerdicts(
      verdictsUri,
      await objects.get(verdictsUri),
    )
    arrivalMinutes.forEach((minute, row) => {
      this.admit(identities.subarray(row * 16, row * 16 + 16), minute)
    })
  }

  admit(identity: Uint8Array, minute: number): void {
    const key = Buffer.from(identity).toString('hex')
    this.#minutes.set(key, Math.max(minute, this.#minutes.get(key) ?? minute))
  }

  isDuplicate(identity: Uint8Array, minute: number): boolean {
    const admitted = this.#minutes.get(Buffer.from(identity).toString('hex'))
    return admitted !== undefined && minute - admitted < this.horizonMinutes
  }
}
