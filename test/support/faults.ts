import type { BackfillStore } from '#lib/domain/backfill/backfill-store.ts'
import type { FeatureAudit } from '#lib/domain/features/publish/feature-audit.ts'
import type { FeatureBuffers } from '#lib/domain/features/publish/feature-buffers.ts'
import type { PublicationStore } from '#lib/domain/features/publish/publications.ts'
import type { Journal } from '#lib/domain/ingest/journal.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import type { GenerationStore } from '#lib/domain/process/generations/generation-store.ts'
import type { SlotStore } from '#lib/domain/process/slot-store.ts'

/** Like the store itself. */
const WRITES_AT_ONCE = 16

/** What a process meets at one of its effects. */
export type Fault =
  /** Dies before the effect. */
  | 'dies before'
  /** The effect happens, the process dies before it learns of it. */
  | 'dies after'
  /** The effect happens, its answer is lost; the process lives. */
  | 'answer lost'
  /** The store refuses; the process lives. */
  | 'refused'

export class InjectedFault extends Error {}

/**
 * A process whose effects are counted; at the `at`-th (from 1) it meets the fault. A dead process has no further
 * effects: whatever it still tries fails.
 */
export class FaultyProcess {
  readonly log: string[] = []
  readonly #at: number
  readonly #fault: Fault
  readonly #die: () => void
  #dead = false

  /** `die`: what a death is; by default only that every further effect fails. */
  constructor(at: number, fault: Fault, die: () => void = () => {}) {
    this.#at = at
    this.#fault = fault
    this.#die = die
  }

  /** Whether the fault was met: false once `at` lies beyond the last effect. */
  get met(): boolean {
    return this.log.length >= this.#at
  }

  objects(store: ObjectStore): ObjectStore {
    return {
      get: (uri) => this.#read(() => store.get(uri)),
      put: (uri, body, options) => this.#effect(`put ${uri}`, () => store.put(uri, body, options)),
      putIfAbsent: (uri, body, options) =>
        this.#effect(`put if absent ${uri}`, () => store.putIfAbsent(uri, body, options)),
      list: (prefix) => store.list(prefix),
    }
  }

  journal(journal: Journal): Journal {
    return {
      register: (one) => this.#effect(`register ${one.shard}`, () => journal.register(one)),
      append: (entry) => this.#effect(`append ${entry.last}`, () => journal.append(entry)),
      shards: () => this.#read(() => journal.shards()),
      registration: (shard) => this.#read(() => journal.registration(shard)),
      head: (shard) => this.#read(() => journal.head(shard)),
      entriesAfter: (shard, fence, limit) =>
        this.#read(() => journal.entriesAfter(shard, fence, limit)),
      newestFirst: (shard) => journal.newestFirst(shard),
    }
  }

  /** A call to the stream. */
  sender<Events>(send: (events: Events) => Promise<void>): (events: Events) => Promise<void> {
    return (events) => this.#effect('send', () => send(events))
  }

  slots(slots: SlotStore): SlotStore {
    const write: SlotStore['write'] = (slot, read) =>
      this.#effect(`slot ${slot.key} ${slot.paneStart}`, () => slots.write(slot, read))
    return {
      write,
      writeAll: (writes) =>
        inParallel(writes, WRITES_AT_ONCE, ({ slot, sequenceRead }) => write(slot, sequenceRead)),
      advanceCursor: (view, shard, to) =>
        this.#effect(`cursor ${view} ${shard}`, () => slots.advanceCursor(view, shard, to)),
      cursor: (view, shard) => this.#read(() => slots.cursor(view, shard)),
      read: (keys) => this.#read(() => slots.read(keys)),
      range: (view, key, from, to, options) =>
        this.#read(() => slots.range(view, key, from, to, options)),
      newestPane: (view, key, at) => this.#read(() => slots.newestPane(view, key, at)),
      expire: (held, atMs) => this.#effect('expire slots', () => slots.expire(held, atMs)),
      addMembers: (view, shard, panes) =>
        this.#effect(`members ${view} ${shard}`, () => slots.addMembers(view, shard, panes)),
      panes: (view, from, to) => slots.panes(view, from, to),
      members: (view, pane) => slots.members(view, pane),
      expirePane: (view, pane, atMs) =>
        this.#effect('expire pane', () => slots.expirePane(view, pane, atMs)),
      finalProgress: (view) => this.#read(() => slots.finalProgress(view)),
      advanceFinalProgress: (view, progress) =>
        this.#effect(`final ${view}`, () => slots.advanceFinalProgress(view, progress)),
    }
  }

  generations(store: GenerationStore): GenerationStore {
    return {
      load: () => this.#read(() => store.load()),
      save: (generations, read) =>
        this.#effect('save generations', () => store.save(generations, read)),
    }
  }

  publications(store: PublicationStore): PublicationStore {
    return {
      load: () => this.#read(() => store.load()),
      save: (publications, read) =>
        this.#effect('save publications', () => store.save(publications, read)),
    }
  }

  buffers(buffers: FeatureBuffers): FeatureBuffers {
    return {
      write: (items) => this.#effect('write items', () => buffers.write(items)),
      read: (keys, options) => this.#read(() => buffers.read(keys, options)),
      seal: (view, buffer) => this.#read(() => buffers.seal(view, buffer)),
      putSeal: (seal) => this.#effect(`seal ${seal.state}`, () => buffers.putSeal(seal)),
    }
  }

  audit(audit: FeatureAudit): FeatureAudit {
    return {
      record: (record) => this.#effect(`record ${record.kind}`, () => audit.record(record)),
      list: (view, limit) => this.#read(() => audit.list(view, limit)),
    }
  }

  backfills(store: BackfillStore): BackfillStore {
    return {
      load: (id) => this.#read(() => store.load(id)),
      save: (backfill, read) => this.#effect('save backfill', () => store.save(backfill, read)),
      list: () => this.#read(() => store.list()),
      recordChunk: (id, record, staleBeforeMs) =>
        this.#effect(`record ${record.chunk}`, () => store.recordChunk(id, record, staleBeforeMs)),
      chunk: (id, round, chunk) => this.#read(() => store.chunk(id, round, chunk)),
      chunks: (id) => this.#read(() => store.chunks(id)),
      spend: (id, units) => this.#effect('spend', () => store.spend(id, units)),
      spent: (id) => this.#read(() => store.spent(id)),
      loadLocks: (table) => this.#read(() => store.loadLocks(table)),
      saveLocks: (table, locks, read) =>
        this.#effect('save locks', () => store.saveLocks(table, locks, read)),
    }
  }

  catalog(catalog: Catalog, lost: () => Error): Catalog {
    return {
      load: (table) => this.#read(() => catalog.load(table)),
      create: (table, input) =>
        this.#effect('create table', () => catalog.create(table, input), lost),
      swap: (table, input) => this.#effect('swap', () => catalog.swap(table, input), lost),
    }
  }

  async #read<T>(read: () => Promise<T>): Promise<T> {
    if (this.#dead) throw new InjectedFault('the process is dead')
    return read()
  }

  async #effect<T>(
    name: string,
    effect: () => Promise<T>,
    lost: () => Error = () => new InjectedFault(`${this.#fault}: ${name}`),
  ): Promise<T> {
    if (this.#dead) throw new InjectedFault('the process is dead')
    this.log.push(name)
    if (this.log.length !== this.#at) return effect()
    // Effects already under way beside this one go on until the process is dead, as they would.
    if (this.#fault === 'dies after' || this.#fault === 'answer lost') await effect()
    this.#dead = this.#fault === 'dies before' || this.#fault === 'dies after'
    if (this.#dead) this.#die()
    throw this.#dead ? new InjectedFault(`${this.#fault}: ${name}`) : lost()
  }
}
