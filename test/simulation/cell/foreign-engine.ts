import type { DataFile } from '#lib/domain/lake/data-file.ts'
import { FENCES_PROPERTY } from '#lib/domain/lake/fences.ts'
import { metadataPath, metadataVersion, writeNew } from '#lib/domain/lake/lake-objects.ts'
import {
  encodeAddedManifest,
  encodeManifestList,
  type ManifestFile,
  manifestShape,
  numbered,
} from '#lib/domain/lake/manifest.ts'
import {
  type Lake,
  loadTable,
  manifestsOf,
  requireTable,
  type Table,
} from '#lib/domain/lake/table.ts'
import {
  currentSnapshotOf,
  encodeTableMetadata,
  specJson,
  type TableMetadata,
} from '#lib/domain/lake/table-metadata.ts'
import { nextMetadata, nextTimestampMs } from '#lib/domain/lake/transaction.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { TableChecks } from '../checks/table-checks.ts'
import { Process } from '../cloud/process.ts'
import { between, oneOf } from '../kernel/choices.ts'
import type { Cell } from './cell.ts'
import { lakeOf } from './functions.ts'
import { DATABASE, PRODUCT } from './product.ts'

const NAME = { database: DATABASE, name: PRODUCT }
const ATTEMPTS = 5

/** What another engine does to the table, through the same catalog and with no idea of fences. */
const ACTIONS = ['annotates', 'appends', 'compacts', 'expires', 'rolls back'] as const

type Action = (typeof ACTIONS)[number]

/** Somebody else's work on the table, so many times; whether he rolls it back. What fails, fails. */
export function plotForeignWork(cell: Cell, times: number, spanMs: number): boolean {
  const { scheduler, choices } = cell.cloud
  const random = choices.random('foreign')
  const drawn = Array.from({ length: times }, () => oneOf(random, ACTIONS))
  // On a table that is rolled back nobody else works: going forward again would undo it.
  const actions = drawn.includes('rolls back') ? (['rolls back'] as const) : drawn
  for (const [at, action] of actions.entries()) {
    const name = `foreign-${at + 1}`
    const afterMs = Math.floor(random() * spanMs)
    if (!choices.includes(`${name} ${action}`)) continue
    scheduler.spawn(async () => {
      await scheduler.sleep(afterMs, name, 'waits')
      const engine = new ForeignEngine(cell, name, choices.random(name))
      // Calls of its own fail like anybody's: then it gives up.
      await engine.act(action).catch(() => undefined)
    })
  }
  return drawn.includes('rolls back')
}

class ForeignEngine {
  readonly #cell: Cell
  readonly #name: string
  readonly #random: Random
  readonly #lake: Lake
  readonly #checks: TableChecks['foreign']

  constructor(cell: Cell, name: string, random: Random) {
    this.#cell = cell
    this.#name = name
    this.#random = random
    this.#lake = lakeOf(cell.cloud, new Process(name, { isMortal: false }))
    this.#checks = cell.table.foreign
  }

  async act(action: Action): Promise<void> {
    if ((await loadTable(this.#lake, NAME)) === undefined) return
    switch (action) {
      case 'annotates':
        return this.#swap(({ metadata }) => annotated(metadata, this.#name))
      case 'appends':
        return this.#swap((table) => this.#appended(table))
      case 'compacts':
        return this.#swap((table) => this.#compacted(table))
      case 'expires':
        return this.#swap(expired)
      case 'rolls back':
        return this.#rollBack()
    }
  }

  async #appended(table: Table): Promise<TableMetadata | undefined> {
    const [known] = await table.liveFiles()
    if (known === undefined) return undefined
    const path = await this.#copyOf(table, known)
    this.#checks.adds(path)
    const before = await manifestsOf(this.#lake.objects, currentSnapshotOf(table.metadata))
    return this.#withSnapshot(table, { ...known, path }, before, 'append')
  }

  /** All files in one. */
  async #compacted(table: Table): Promise<TableMetadata | undefined> {
    const files = await table.liveFiles()
    const [first] = files
    if (first === undefined) return undefined
    const path = await this.#copyOf(table, first)
    this.#checks.replaces(
      files.map((file) => file.path),
      path,
    )
    return this.#withSnapshot(table, { ...first, path }, [], 'replace')
  }

  /** A copy of a file of the table serves as one of the engine's own. */
  async #copyOf(table: Table, file: DataFile): Promise<string> {
    const { objects, ids } = this.#lake
    const path = `${table.location}/data/${this.#name}-${ids.uuid()}.parquet`
    await objects.put(path, await objects.get(file.path))
    return path
  }

  /** A snapshot of these manifests and one file more; it knows nothing of the fences in those before it. */
  async #withSnapshot(
    { metadata, location, metadataLocation }: Table,
    file: DataFile,
    before: readonly ManifestFile[],
    operation: string,
  ): Promise<TableMetadata> {
    const { ids, objects, clock } = this.#lake
    const snapshotId = ids.snapshotId()
    const sequenceNumber = metadata['last-sequence-number'] + 1
    const parent = metadata['current-snapshot-id']!
    const spec = specJson(metadata, metadata['default-spec-id'])
    const { bytes, line } = encodeAddedManifest(manifestShape(metadata, spec), snapshotId, [file])
    const manifestPath = `${location}/metadata/${ids.uuid()}-m0.avro`
    await writeNew(objects, manifestPath, bytes, 'application/octet-stream')
    const added = numbered({ ...line, manifestPath }, BigInt(sequenceNumber))
    const manifestList = `${location}/metadata/snap-${snapshotId}-${ids.uuid()}.avro`
    const list = encodeManifestList([added, ...before], {
      snapshotId,
      sequenceNumber,
      parentSnapshotId: parent,
    })
    await writeNew(objects, manifestList, list, 'application/octet-stream')
    const atMs = nextTimestampMs(metadata, clock.nowMs())
    const snapshot = {
      'snapshot-id': snapshotId,
      'parent-snapshot-id': parent,
      'sequence-number': sequenceNumber,
      'timestamp-ms': atMs,
      'manifest-list': manifestList,
      summary: { operation },
    }
    return nextMetadata(
      metadata,
      metadataLocation,
      [
        { kind: 'addSnapshot', snapshot },
        { kind: 'setCurrentSnapshot', snapshotId },
      ],
      atMs,
    )
  }

  /** Back by one snapshot, and after a while forward again: a person's mistake that a person repairs. */
  async #rollBack(): Promise<void> {
    const { scheduler } = this.#cell.cloud
    const { table } = await requireTable(this.#lake, NAME)
    const from = table.currentSnapshot
    // To undo another engine's commit takes nothing of ours back.
    const isOurs = table.properties[FENCES_PROPERTY]?.includes(`"${from?.snapshotId}"`) === true
    if (from?.parentSnapshotId === undefined || !isOurs) return
    const to = from.parentSnapshotId
    this.#checks.mayRollBack(from.snapshotId, to)
    await this.#swap((now) =>
      // No engine goes back to what has expired.
      now.currentSnapshot?.snapshotId === from.snapshotId &&
      now.snapshots.some((one) => one.snapshotId === to)
        ? at(now.metadata, to)
        : undefined,
    ).catch(() => undefined)
    await scheduler.sleep(between(this.#random, 1, 600) * 1000, this.#name, 'leaves it rolled back')
    // A person sees to it that it is done, also if the rollback is still on its way: any swap overtakes it.
    for (let isDone = false; !isDone; ) {
      isDone = await this.#swap((now) =>
        now.currentSnapshot?.snapshotId === to
          ? at(now.metadata, from.snapshotId)
          : annotated(now.metadata, this.#name),
      ).then(
        () => true,
        () => false,
      )
      if (!isDone) await scheduler.sleep(30_000, this.#name, 'tries again')
    }
  }

  /** Reads, changes and swaps; again after a conflict. Undefined from `change` leaves all as it is. */
  async #swap(
    change: (table: Table) => Promise<TableMetadata | undefined> | TableMetadata | undefined,
  ): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { table, version } = await requireTable(this.#lake, NAME)
      const metadata = await change(table)
      if (metadata === undefined) return
      const { ids, objects, catalog } = this.#lake
      const metadataLocation = metadataPath(
        table.location,
        metadataVersion(table.metadataLocation) + 1,
        ids.uuid(),
      )
      await writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json')
      try {
        await catalog.swap(NAME, { expectedVersion: version, metadataLocation })
        return
      } catch (error) {
        if (attempt === ATTEMPTS) throw error
      }
    }
  }
}

/** The metadata with another current snapshot; properties stay, as with every engine. */
function at(metadata: TableMetadata, snapshotId: bigint): TableMetadata {
  return {
    ...metadata,
    'current-snapshot-id': snapshotId,
    refs: { ...metadata.refs, main: { 'snapshot-id': snapshotId, type: 'branch' } },
  }
}

function annotated(metadata: TableMetadata, name: string): TableMetadata {
  const properties = { ...metadata.properties, [`foreign.${name}`]: 'was here' }
  return { ...metadata, properties }
}

/** Without its oldest snapshot that nobody has tagged, if the table keeps enough of them to tell a rollback. */
function expired(table: Table): TableMetadata | undefined {
  const { metadata } = table
  if (metadata.snapshots.length < 4) return undefined
  const tagged = new Set(Object.values(metadata.refs ?? {}).map((ref) => ref['snapshot-id']))
  const oldest = metadata.snapshots.find((one) => !tagged.has(one['snapshot-id']))
  // Where somebody took the table back to it, it is the table.
  if (oldest === undefined || oldest['snapshot-id'] === metadata['current-snapshot-id'])
    return undefined
  return { ...metadata, snapshots: metadata.snapshots.filter((one) => one !== oldest) }
}
