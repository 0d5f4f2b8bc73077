import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { Archive, type ArchiveDependencies } from '#lib/domain/ingest/archive.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type Fault, FaultyProcess } from './faults.ts'
import { LONE_SHARDS } from './lone-shards.ts'
import { ReferenceArchive } from './reference/archive.ts'

interface PlannedFault {
  readonly at: number
  readonly fault: Fault
}

/** One archive on stores of its own. */
class Side {
  readonly objects = new MemoryObjectStore({ clock: { nowMs: () => 0 } })
  readonly journal = new MemoryJournal()
  readonly effects: string[] = []
  readonly #make: (deps: ArchiveDependencies) => Archive | ReferenceArchive
  #process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
  #archive: Archive | ReferenceArchive | undefined

  constructor(make: (deps: ArchiveDependencies) => Archive | ReferenceArchive) {
    this.#make = make
  }

  /** A process without memory, of code that knows these contracts. */
  restart(contracts: readonly Contract[], fault?: PlannedFault): void {
    this.#process = new FaultyProcess(
      fault?.at ?? Number.POSITIVE_INFINITY,
      fault?.fault ?? 'refused',
    )
    this.#archive = this.#make({
      contracts: versionsOf(contracts),
      journal: this.#process.journal(this.journal),
      objects: this.#process.objects(this.objects),
      lineage: LONE_SHARDS,
      identify: keyedIdentity(new Uint8Array(32).fill(5)),
      layout: { bucket: 'bucket', region: 'us-east-1', product: contracts[0]!.product },
      undecodableKeyId: 'key',
    })
  }

  async take(shard: string, records: readonly EncodedRecord[]) {
    const before = this.#process.log.length
    const entries: readonly JournalEntry[] | string = await this.#archive!.take(
      shard,
      records,
    ).then(
      (taken) => taken,
      (error: Error) => error.message,
    )
    this.effects.push(...this.#process.log.slice(before))
    return entries
  }

  async content(): Promise<Map<string, string>> {
    const content = new Map<string, string>()
    for await (const { uri } of this.objects.list('')) {
      const body = Buffer.from(await this.objects.get(uri)).toString('base64')
      content.set(uri, `${body} ${JSON.stringify(this.objects.optionsOf(uri))}`)
    }
    return content
  }
}

/** The archive and its reference, given the same. */
export class ArchivePair {
  readonly fast = new Side((deps) => new Archive(deps))
  readonly slow = new Side((deps) => new ReferenceArchive(deps))
  readonly entries: JournalEntry[] = []

  constructor(...contracts: readonly Contract[]) {
    this.restart(contracts)
  }

  /** New processes of both. */
  restart(contracts: readonly Contract[], fault?: PlannedFault): void {
    this.fast.restart(contracts, fault)
    this.slow.restart(contracts, fault)
  }

  /** Gives records to both; where they answer differently, undefined if nowhere. */
  async take(shard: string, records: readonly EncodedRecord[]): Promise<string | undefined> {
    const fast = await this.fast.take(shard, records)
    const slow = await this.slow.take(shard, records)
    if (typeof slow !== 'string') this.entries.push(...slow)
    return JSON.stringify(fast) === JSON.stringify(slow)
      ? undefined
      : `answers ${JSON.stringify(slow)} or ${JSON.stringify(fast)}`
  }

  /** Where the stores, or the effects on them, differ; undefined if nowhere. */
  async difference(): Promise<string | undefined> {
    const effects = differs(this.slow.effects, this.fast.effects)
    if (effects !== undefined) return `effect ${effects}`
    const [slow, fast] = [await this.slow.content(), await this.fast.content()]
    for (const [uri, content] of slow) if (fast.get(uri) !== content) return `object ${uri}`
    if (fast.size !== slow.size) return `${slow.size} objects or ${fast.size}`
    for (const { shard } of await this.slow.journal.shards()) {
      const entriesOf = async ({ journal }: Side) =>
        (await journal.entriesAfter(shard, 'start', 10_000)).map((one) => JSON.stringify(one))
      const entries = differs(await entriesOf(this.slow), await entriesOf(this.fast))
      if (entries !== undefined) return `entry ${entries}`
    }
    return undefined
  }
}

function differs(left: readonly string[], right: readonly string[]): string | undefined {
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    if (left[i] !== right[i]) return `${i}: ${left[i]} or ${right[i]}`
  }
  return undefined
}
