import { FENCES_PROPERTY } from '#lib/domain/lake/fences.ts'
import { decodeManifest, decodeManifestList, type ManifestFile } from '#lib/domain/lake/manifest.ts'
import {
  currentSnapshotOf,
  parseTableMetadata,
  specJson,
  type TableMetadata,
} from '#lib/domain/lake/table-metadata.ts'
import type { TableChange } from '../cloud/glue.ts'
import type { S3Model } from '../cloud/s3.ts'
import type { ArchiveChecks } from './archive-checks.ts'
import { must, mustEqual } from './violation.ts'

/**
 * Holds the table against the journal at each swap: its files are exactly those of the entries up to its fences and
 * those that other engines put there, its fences only go forward, from entry to entry, and no snapshot is lost.
 */
export class TableChecks {
  readonly #s3: S3Model
  readonly #archive: ArchiveChecks
  /** How many entries of each shard are in the table. */
  #reached = new Map<string, number>()
  #metadata: TableMetadata | undefined
  /** Files that the table must have. */
  readonly #expected = new Set<string>()
  readonly #manifests = new Map<string, readonly string[]>()
  readonly #foreignAdds = new Set<string>()
  readonly #foreignReplaces = new Map<string, readonly string[]>()
  /** Rollbacks that somebody is about to do: from, to. */
  readonly #rollbacks = new Map<bigint, bigint>()
  /** Where the table was before it was rolled back. */
  #rolledBackFrom: bigint | undefined

  constructor(options: { readonly s3: S3Model; readonly archive: ArchiveChecks }) {
    this.#s3 = options.s3
    this.#archive = options.archive
  }

  /** What another engine is about to do, which may fail. */
  readonly foreign = {
    adds: (path: string): void => {
      this.#foreignAdds.add(path)
    },
    replaces: (paths: readonly string[], by: string): void => {
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
    const live = this.#liveFiles(metadata)
    for (const path of live) {
      if (this.#foreignAdds.delete(path)) this.#expected.add(path)
      const replaced = this.#foreignReplaces.get(path)
      if (replaced === undefined) continue
      this.#foreignReplaces.delete(path)
      for (const old of replaced) this.#expected.delete(old)
      this.#expected.add(path)
    }
    this.#mustHold(table, live)
    this.#metadata = metadata
    must(before !== after, () => `${table} was swapped for itself`)
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

  #liveFiles(metadata: TableMetadata): readonly string[] {
    const snapshot = currentSnapshotOf(metadata)
    if (snapshot === undefined) return []
    const list = this.#object(snapshot['manifest-list'])
    return decodeManifestList(list).flatMap((manifest) => this.#filesOf(manifest, metadata))
  }

  #filesOf(manifest: ManifestFile, metadata: TableMetadata): readonly string[] {
    const known = this.#manifests.get(manifest.manifestPath)
    if (known !== undefined) return known
    const bytes = this.#object(manifest.manifestPath)
    const spec = specJson(metadata, manifest.partitionSpecId)
    const files = decodeManifest(bytes, manifest, spec).map(({ file }) => file)
    for (const { path, sizeBytes } of files) {
      mustEqual(this.#object(path).length, sizeBytes, () => `the table's size of ${path}`)
    }
    const paths = files.map(({ path }) => path)
    this.#manifests.set(manifest.manifestPath, paths)
    return paths
  }

  #object(uri: string): Uint8Array {
    const bytes = this.#s3.object(uri)
    must(bytes !== undefined, () => `the table names ${uri}, which is not there`)
    return bytes
  }
}
