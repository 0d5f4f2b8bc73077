import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { FENCES_PROPERTY, HOLD_PROPERTY } from '#lib/domain/lake/fences.ts'
import { decodeManifest, decodeManifestList, type ManifestFile } from '#lib/domain/lake/manifest.ts'
import {
  currentSnapshotOf,
  parseTableMetadata,
  specJson,
  type TableMetadata,
} from '#lib/domain/lake/table-metadata.ts'
import type { TableChange } from '../cloud/glue.ts'
import type { ObjectChange, S3Model } from '../cloud/s3.ts'
import { type ArchiveChecks, rowsOf } from './archive-checks.ts'
import { must, mustEqual } from './violation.ts'

interface Fenced {
  readonly shards: Record<string, string>
}

/** What the table held when a snapshot was its current one. */
interface Held {
  readonly reached: ReadonlyMap<string, number>
  readonly files: ReadonlySet<string>
}

/**
 * Holds the table against the journal at each swap: its files are exactly those of the entries up to its fences, or
 * others with the same rows, and those that other engines put there; its fences only go forward, from entry to entry,
 * unless it is rolled back together with them; each snapshot knows its fences and counts, and none is lost. An object
 * that is removed is one that nobody needs.
 */
export class TableChecks {
  readonly #s3: S3Model
  readonly #archive: ArchiveChecks
  readonly #isRead: (shard: string, last: string) => boolean
  readonly #fail: (error: unknown) => void
  /** How many entries of each shard are in the table. */
  #reached = new Map<string, number>()
  #metadata: TableMetadata | undefined
  /** All objects of a table's snapshots, of the metadata that was asked for last. */
  #neededBy: { readonly metadata: TableMetadata; readonly objects: Set<string> } | undefined
  /** Files that the table must have. */
  #expected = new Set<string>()
  readonly #manifests = new Map<string, readonly DataFile[]>()
  readonly #held = new Map<bigint, Held>()
  /** Whether another engine has made a snapshot: it has no fences and no counts. */
  #hasForeign = false
  readonly #foreignAdds = new Set<string>()
  readonly #foreignReplaces = new Map<string, readonly string[]>()
  /** Rollbacks that somebody is about to do: from, to. */
  readonly #rollbacks = new Map<bigint, bigint>()
  /** Where the table was before it was rolled back. */
  #rolledBackFrom: bigint | undefined

  constructor(options: {
    readonly s3: S3Model
    readonly archive: ArchiveChecks
    /** Whether the files of an entry are wanted by whoever computes windows. */
    readonly isRead: (shard: string, last: string) => boolean
    /** Told what a check finds that takes a promise, before the next turn. */
    readonly fail: (error: unknown) => void
  }) {
    this.#s3 = options.s3
    this.#archive = options.archive
    this.#isRead = options.isRead
    this.#fail = options.fail
  }

  /** What another engine is about to do, which may fail. */
  readonly foreign = {
    adds: (path: string): void => {
      this.#hasForeign = true
      this.#foreignAdds.add(path)
    },
    replaces: (paths: readonly string[], by: string): void => {
      this.#hasForeign = true
      this.#foreignReplaces.set(by, paths)
    },
    mayRollBack: (from: bigint, to: bigint): void => {
      this.#rollbacks.set(from, to)
    },
  }

  /** Whether the table has every entry of the journal. */
  isDrained(): boolean {
    return [...this.#archive.entries].every(
      ([shard, entries]) => (this.#reached.get(shard) ?? 0) === entries.length,
    )
  }

  onTable({ table, before, after }: TableChange): void {
    const bytes = this.#s3.object(after)
    must(bytes !== undefined, () => `${table} points to ${after}, which is not there`)
    const metadata = parseTableMetadata(bytes)
    const current = metadata['current-snapshot-id']
    const known = this.#metadata?.['current-snapshot-id']
    if (this.#standsBack(table, metadata)) return
    const isHeld = [this.#metadata, metadata].every(
      (one) => one?.properties[HOLD_PROPERTY] !== undefined,
    )
    // Another engine does not ask.
    must(
      !isHeld || current === known || this.#hasForeign,
      () => `${table} is on hold and got snapshot ${current}`,
    )
    if (known !== undefined && current === this.#rollbacks.get(known)) this.#rolledBackFrom = known
    if (this.#rolledBackFrom !== undefined && current !== this.#rolledBackFrom) {
      // Until somebody rolls forward again nothing of ours may come on top.
      this.#mustStand(metadata)
      this.#metadata = metadata
      return
    }
    if (this.#rolledBackFrom === undefined) this.#keepsSnapshots(metadata)
    this.#rolledBackFrom = undefined
    this.#advance(table, metadata)
    const files = this.#liveFiles(metadata)
    const live = files.map(({ path }) => path)
    for (const path of live) {
      if (this.#foreignAdds.delete(path)) this.#expected.add(path)
      const replaced = this.#foreignReplaces.get(path)
      if (replaced === undefined) continue
      this.#foreignReplaces.delete(path)
      for (const old of replaced) this.#expected.delete(old)
      this.#expected.add(path)
    }
    this.#mayRewrite(table, metadata, live)
    this.#mustHold(table, live)
    this.#describesItself(table, metadata, files)
    if (current !== undefined) {
      this.#held.set(current, { reached: new Map(this.#reached), files: new Set(this.#expected) })
    }
    this.#metadata = metadata
    must(before !== after, () => `${table} was swapped for itself`)
  }

  /** What an object is removed for: nothing that the table or the journal past its fences needs. */
  onObject({ uri, after }: ObjectChange): void {
    if (after !== undefined || this.#metadata === undefined) return
    must(
      !this.#needed(this.#metadata).has(uri),
      () => `${uri} was removed, and a snapshot that is kept consists of it`,
    )
    const owner = this.#archive.entryOf(uri)
    if (owner === undefined) return
    const { shard, last } = owner.entry
    const place = this.#archive.entriesOf(shard).indexOf(owner)
    // Somebody may take the table back to any snapshot that is kept, and the journal goes on from there.
    must(
      place < this.#oldestReach(this.#metadata, shard),
      () =>
        `${uri} was removed: entry ${shard}/${last} has it, past the fence of a snapshot that is kept`,
    )
    must(
      !this.#isRead(shard, last),
      () => `${uri} was removed: windows are still computed from entry ${shard}/${last}`,
    )
  }

  /** How many entries of a shard are in each snapshot that is kept, and in the table. */
  #oldestReach({ snapshots }: TableMetadata, shard: string): number {
    const kept = snapshots.map((one) => this.#held.get(one['snapshot-id'])?.reached)
    return Math.min(
      ...[this.#reached, ...kept].map((reached) =>
        reached ? (reached.get(shard) ?? 0) : Number.POSITIVE_INFINITY,
      ),
    )
  }

  #needed(metadata: TableMetadata): ReadonlySet<string> {
    if (this.#neededBy?.metadata === metadata) return this.#neededBy.objects
    const needed = new Set<string>()
    this.#neededBy = { metadata, objects: needed }
    for (const { 'manifest-list': list } of metadata.snapshots) {
      needed.add(list)
      for (const manifest of decodeManifestList(this.#object(list))) {
        needed.add(manifest.manifestPath)
        for (const { path } of this.#filesOf(manifest, metadata)) needed.add(path)
      }
    }
    return needed
  }

  /** Whether somebody took the table back to an earlier snapshot with its fences, and put it on hold. */
  #standsBack(table: string, metadata: TableMetadata): boolean {
    const current = metadata['current-snapshot-id']
    const known = this.#metadata?.['current-snapshot-id']
    const held = current === undefined ? undefined : this.#held.get(current)
    const isOnHold = metadata.properties[HOLD_PROPERTY] !== undefined
    if (!isOnHold || current === known || held === undefined) return false
    this.#reached = new Map(held.reached)
    this.#expected = new Set(held.files)
    const { shards } = JSON.parse(metadata.properties[FENCES_PROPERTY] ?? '{"shards":{}}') as Fenced
    for (const [shard, entries] of this.#archive.entries) {
      const reached = this.#reached.get(shard) ?? 0
      mustEqual(
        shards[shard] ?? 'start',
        reached === 0 ? 'start' : entries[reached - 1]!.entry.last,
        () => `${table} was rolled back: the fence of ${shard}`,
      )
    }
    this.#mustHold(
      table,
      this.#liveFiles(metadata).map(({ path }) => path),
    )
    this.#metadata = metadata
    return true
  }

  /** Files in the place of others hold their very rows. */
  #mayRewrite(table: string, metadata: TableMetadata, live: readonly string[]): void {
    const found = new Set(live)
    const gone = [...this.#expected].filter((path) => !found.has(path))
    const come = live.filter((path) => !this.#expected.has(path))
    if (gone.length === 0 || come.length === 0) return
    const { operation } = currentSnapshotOf(metadata)!.summary
    must(operation === 'replace', () => `${table}: a snapshot of other files is an ${operation}`)
    for (const path of gone) this.#expected.delete(path)
    for (const path of come) this.#expected.add(path)
    const bytes = [gone, come].map((paths) => paths.map((path) => this.#object(path)))
    Promise.all(bytes.map((files) => Promise.all(files.map(rowsOf))))
      .then(([before, after]) =>
        mustEqual(
          after!.flat().sort(),
          before!.flat().sort(),
          () => `${table}: rows of ${come.join(', ')}, which replace those of ${gone.join(', ')}`,
        ),
      )
      .catch(this.#fail)
  }

  /** The current snapshot knows its fences and how much there is. */
  #describesItself(table: string, metadata: TableMetadata, files: readonly DataFile[]): void {
    const snapshot = currentSnapshotOf(metadata)
    const text = metadata.properties[FENCES_PROPERTY]
    if (snapshot === undefined || text === undefined || this.#hasForeign) return
    const { summary } = snapshot
    const where = () => `${table}: summary of snapshot ${snapshot['snapshot-id']}`
    mustEqual(
      JSON.parse(summary[FENCES_PROPERTY] ?? 'null'),
      (JSON.parse(text) as Fenced).shards,
      where,
    )
    mustEqual(
      [summary['total-data-files'], summary['total-records']],
      [files.length, files.reduce((sum, file) => sum + file.recordCount, 0)].map(String),
      where,
    )
    const parents = new Map(
      metadata.snapshots.map((one) => [one['snapshot-id'], one['parent-snapshot-id']]),
    )
    const wanted = BigInt((JSON.parse(text) as { snapshot: string }).snapshot)
    let at: bigint | undefined = snapshot['snapshot-id']
    while (at !== undefined && at !== wanted && parents.has(at)) at = parents.get(at)
    must(at === wanted, () => `${table}: the fences name snapshot ${wanted}, which is no ancestor`)
  }

  /** Takes over what the fences say, if they moved as they may. */
  #advance(table: string, metadata: TableMetadata): void {
    const text = metadata.properties[FENCES_PROPERTY]
    if (text === undefined) {
      must(this.#reached.size === 0, () => `${table} lost its fences`)
      return
    }
    const { shards } = JSON.parse(text) as { shards: Record<string, string> }
    for (const shard of this.#reached.keys()) {
      must(shard in shards, () => `${table} lost the fence of ${shard}`)
    }
    for (const [shard, fence] of Object.entries(shards)) {
      const entries = this.#archive.entriesOf(shard)
      const reached =
        fence === 'start' ? 0 : entries.findIndex(({ entry }) => entry.last === fence) + 1
      must(fence === 'start' || reached > 0, () => `${table}: no entry ends at ${shard}/${fence}`)
      const known = this.#reached.get(shard) ?? 0
      must(reached >= known, () => `${table}: the fence of ${shard} went back to ${fence}`)
      for (const { files } of entries.slice(known, reached)) {
        for (const { path } of files) this.#expected.add(path)
      }
      this.#reached.set(shard, reached)
    }
  }

  /** A swap builds on what stood there: who undoes a foreign commit loses its snapshot. */
  #keepsSnapshots(metadata: TableMetadata): void {
    const before = this.#metadata?.['current-snapshot-id']
    if (before === undefined) return
    const parents = new Map(
      metadata.snapshots.map((one) => [one['snapshot-id'], one['parent-snapshot-id']]),
    )
    let id = metadata['current-snapshot-id']
    while (id !== undefined && id !== before) id = parents.get(id)
    must(id === before, () => `snapshot ${before} is no ancestor of the current one`)
    for (const [name, value] of Object.entries(this.#metadata!.properties)) {
      if (name.startsWith('foreign.')) {
        mustEqual(metadata.properties[name], value, () => `property ${name} of another engine`)
      }
    }
  }

  #mustStand(metadata: TableMetadata): void {
    const known = this.#metadata?.properties[FENCES_PROPERTY]
    mustEqual(
      metadata.properties[FENCES_PROPERTY],
      known,
      () => 'the fences moved although the table was rolled back behind them',
    )
  }

  #mustHold(table: string, live: readonly string[]): void {
    const found = new Set(live)
    must(found.size === live.length, () => `${table} has a file twice`)
    const missing = [...this.#expected].filter((path) => !found.has(path))
    const extra = live.filter((path) => !this.#expected.has(path))
    mustEqual({ missing, extra }, { missing: [], extra: [] }, () => `files of ${table}`)
  }

  #liveFiles(metadata: TableMetadata): readonly DataFile[] {
    const snapshot = currentSnapshotOf(metadata)
    if (snapshot === undefined) return []
    const list = this.#object(snapshot['manifest-list'])
    return decodeManifestList(list).flatMap((manifest) => this.#filesOf(manifest, metadata))
  }

  #filesOf(manifest: ManifestFile, metadata: TableMetadata): readonly DataFile[] {
    const known = this.#manifests.get(manifest.manifestPath)
    if (known !== undefined) return known
    const bytes = this.#object(manifest.manifestPath)
    const spec = specJson(metadata, manifest.partitionSpecId)
    const files = decodeManifest(bytes, manifest, spec).map(({ file }) => file)
    for (const { path, sizeBytes, recordCount, partition } of files) {
      mustEqual(this.#object(path).length, sizeBytes, () => `the table's size of ${path}`)
      const known = this.#archive.entryOf(path)?.files.find((one) => one.path === path)
      if (known === undefined) continue
      mustEqual(
        [recordCount, Object.values(partition)],
        [known.recordCount, Object.values(known.partition)],
        () => `the table's count and partition of ${path}`,
      )
    }
    this.#manifests.set(manifest.manifestPath, files)
    return files
  }

  #object(uri: string): Uint8Array {
    const bytes = this.#s3.object(uri)
    must(bytes !== undefined, () => `the table names ${uri}, which is not there`)
    return bytes
  }
}
