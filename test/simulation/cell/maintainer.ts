import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { setRetention } from '#lib/domain/lake/maintenance/retention-policy.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { swapMetadata } from '#lib/domain/lake/swap-metadata.ts'
import { type Lake, loadTable } from '#lib/domain/lake/table.ts'
import { nextMetadata, nextTimestampMs } from '#lib/domain/lake/transaction.ts'
import { orphanSources } from '#lib/domain/ops/orphan-sources.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { Process } from '../cloud/process.ts'
import { isInjected } from '../cloud/service-errors.ts'
import { between, oneOf } from '../kernel/choices.ts'
import type { Cell } from './cell.ts'
import { journalOf, lakeOf } from './functions.ts'
import { DATABASE, DEPLOYMENTS, PRODUCT } from './product.ts'
import { generationsOf, slotsOf } from './windows.ts'

const ACTIONS = [
  'compacts',
  'compacts',
  'rewrites manifests',
  'expires snapshots',
  'lets commits tidy up',
  'tags a snapshot',
  'tends for days',
  'tends for days',
  'removes orphans',
  'removes orphans',
  'removes orphans beside a compaction',
  'rolls back',
] as const
type Action = (typeof ACTIONS)[number]

const HOUR_MS = 3_600_000

/** What maintenance may end with although no call of its own failed. */
const EXPECTED = [
  'lake.commitAttemptsExhausted',
  'lake.onHold',
  'lake.rolledBack',
  'lake.fencesUnproven',
  'lake.filesStale',
  'lake.snapshotGone',
  // Of a table state that it read before somebody else removed what that consisted of.
  'objects.notFound',
] as const

export interface MaintenanceSettings {
  readonly times: number
  readonly spanMs: number
  /** A person's rollback and another engine's do not meet: nobody could tell what should come of it. */
  readonly mayRollBack: boolean
}

/** Weir's own maintenance beside the live writers: at once, hours or days later, and dying like anything else. */
export function plotMaintenance(cell: Cell, settings: MaintenanceSettings): void {
  const { scheduler, choices } = cell.cloud
  const random = choices.random('maintenance')
  let afterMs = 0
  for (let at = 1; at <= settings.times; at++) {
    const name = `maintenance-${at}`
    const action = oneOf(random, ACTIONS)
    afterMs += drawPause(random, settings.spanMs)
    const startsMs = afterMs
    if (action === 'rolls back' && !settings.mayRollBack) continue
    if (!choices.includes(`${name} ${action}`)) continue
    scheduler.spawn(async () => {
      await scheduler.sleep(startsMs, name, 'waits')
      await new Maintainer(cell, name, choices.random(name)).act(action)
    })
  }
}

/**
 * One follows the other while that is at work, after it while what has frozen stands still, or a day later: orphans are a
 * day old, and removed an hour after they were found.
 */
function drawPause(random: Random, spanMs: number): number {
  const chance = random()
  if (chance < 0.5) return random() * spanMs
  if (chance < 0.65) return random() * 5 * HOUR_MS
  return 24 * HOUR_MS + random() ** 2 * 60 * HOUR_MS
}

class Maintainer {
  readonly #cell: Cell
  readonly #name: string
  readonly #random: Random
  readonly #process: Process
  readonly #lake: Lake

  constructor(cell: Cell, name: string, random: Random) {
    this.#cell = cell
    this.#name = name
    this.#random = random
    this.#process = new Process(name, { mayFreeze: true })
    this.#lake = lakeOf(cell.cloud, this.#process)
  }

  async act(action: Action): Promise<void> {
    const { table, isFeatures } = this.#pickTable(action)
    const death = new Promise<void>((resolve) => {
      this.#process.onDeath(resolve)
    })
    await Promise.race([death, asFarAsItGoes(this.#do(action, table, isFeatures))])
  }

  #pickTable(action: Action): { readonly table: TableName; readonly isFeatures: boolean } {
    const isFeatures = action !== 'rolls back' && this.#random() < 0.3
    const name = isFeatures ? this.#cell.windows.tableName : PRODUCT
    return { table: { database: DATABASE, name }, isFeatures }
  }

  async #do(action: Action, table: TableName, isFeatures: boolean): Promise<void> {
    if ((await loadTable(this.#lake, table)) === undefined) return
    switch (action) {
      case 'compacts':
        await compact(this.#lake, table, { minFiles: 2 })
        return
      case 'rewrites manifests':
        await rewriteManifests(this.#lake, table)
        return
      case 'expires snapshots':
        return this.#expire(table, between(this.#random, 1, 3))
      case 'lets commits tidy up':
        return this.#tune(table)
      case 'tags a snapshot':
        return this.#tag(table)
      case 'tends for days':
        return this.#tend(table, isFeatures)
      case 'removes orphans':
        return this.#removeOrphans(table, isFeatures)
      case 'removes orphans beside a compaction':
        return this.#removeBesideCompaction(table, isFeatures)
      case 'rolls back':
        return this.#rollBack(table)
    }
  }

  /** Somebody compacts, stands still amid it for hours and goes on; orphans are looked for and removed meanwhile. */
  async #removeBesideCompaction(table: TableName, isFeatures: boolean): Promise<void> {
    const { cloud } = this.#cell
    const ms = between(this.#random, 2, 30) * HOUR_MS
    const freezes = { atCall: between(this.#random, 5, 25), ms }
    const frozen = new Process(`${this.#name}-frozen`, { isMortal: false, freezes })
    const compaction = asFarAsItGoes(compact(lakeOf(cloud, frozen), table, { minFiles: 2 }))
    await cloud.scheduler.sleep(between(this.#random, 1, 20) * 60_000, this.#name, 'waits')
    const removal = this.#removeOrphans(table, isFeatures)
    await Promise.all([compaction, removal])
  }

  /** All that is done each day, in its order; on the first of them somebody may want to keep what the table is. */
  async #tend(table: TableName, isFeatures: boolean): Promise<void> {
    const { scheduler } = this.#cell.cloud
    if (this.#random() < 0.5) await this.#tag(table)
    for (let days = between(this.#random, 2, 3); days > 0; days--) {
      await scheduler.sleep(between(this.#random, 1, 120_000), this.#name, 'begins its day')
      await compact(this.#lake, table, { minFiles: 2 })
      await this.#expire(table, 1)
      await this.#removeOrphans(table, isFeatures)
      await scheduler.sleep(between(this.#random, 20, 26) * HOUR_MS, this.#name, 'ends its day')
    }
  }

  async #expire(table: TableName, atLeast: number): Promise<void> {
    await expireSnapshots(this.#lake, table, { atLeast, currentWithinMs: 0 })
  }

  /** A person keeps a snapshot, by Iceberg's own means. */
  async #tag(table: TableName): Promise<void> {
    const pick = this.#random()
    await swapMetadata(this.#lake, table, async ({ metadata, metadataLocation }) => {
      const { snapshots, refs } = metadata
      const snapshot = snapshots[Math.floor(pick * snapshots.length)]
      if (snapshot === undefined) return undefined
      const tag = { 'snapshot-id': snapshot['snapshot-id'], type: 'tag' as const }
      const atMs = nextTimestampMs(metadata, this.#lake.clock.nowMs())
      const tagged = { ...metadata, refs: { ...refs, [`kept-by-${this.#name}`]: tag } }
      return nextMetadata(tagged, metadataLocation, [], atMs)
    })
  }

  /** From now on commits keep few snapshots and merge manifests: else only tables of thousands of commits would. */
  async #tune(table: TableName): Promise<void> {
    const atLeast = between(this.#random, 1, 3)
    await setRetention(this.#lake, table, { atLeast, currentWithinMs: 0 })
    const properties = { 'commit.manifest.min-count-to-merge': '2' }
    await swapMetadata(this.#lake, table, async ({ metadata, metadataLocation }) => {
      const atMs = nextTimestampMs(metadata, this.#lake.clock.nowMs())
      return nextMetadata(metadata, metadataLocation, [{ kind: 'setProperties', properties }], atMs)
    })
  }

  async #removeOrphans(table: TableName, isFeatures: boolean): Promise<void> {
    const { cloud } = this.#cell
    const { waiting } = orphanSources(
      {
        journal: journalOf(cloud, this.#process),
        objects: this.#lake.objects,
        generations: generationsOf(cloud, this.#process),
        slotsOf: slotsOf(cloud, this.#process),
        contracts: DEPLOYMENTS[this.#cell.deployment],
        views: [this.#cell.windows.view],
      },
      { kind: isFeatures ? 'feature' : 'curated' },
    )
    const plan = await findOrphans(this.#lake, table, { waiting })
    await cloud.scheduler.sleep(HOUR_MS + between(this.#random, 0, 60_000), this.#name, 'waits')
    const remover = new S3ObjectRemover({ client: cloud.s3.client(this.#process) })
    const clockOffMs = Math.max(0, plan.foundAtMs + HOUR_MS - this.#lake.clock.nowMs())
    if (clockOffMs > 0) await cloud.scheduler.sleep(clockOffMs, this.#name, 'waits')
    await removeOrphans(this.#lake, table, plan, { waiting, remover })
  }

  /** To any snapshot that is kept; and a person sees to it that the table is taken off hold again. */
  async #rollBack(table: TableName): Promise<void> {
    const { scheduler } = this.#cell.cloud
    const person = new Process(`${this.#name}-person`, { isMortal: false })
    const lake = lakeOf(this.#cell.cloud, person)
    const { snapshots } = (await loadTable(this.#lake, table))!
    if (snapshots.length < 2) return
    const { snapshotId } = oneOf(this.#random, snapshots)
    try {
      await rollBack(lake, table, snapshotId, { reason: 'a person wants it' })
    } finally {
      await scheduler.sleep(between(this.#random, 1, 600) * 1000, this.#name, 'leaves it on hold')
      for (let isDone = false; !isDone; ) {
        isDone = await releaseHold(lake, table).then(
          () => true,
          () => false,
        )
        if (!isDone) await scheduler.sleep(30_000, this.#name, 'tries again')
      }
    }
  }
}

async function asFarAsItGoes(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    const isExpected = EXPECTED.some((code) => hasCode(error, code))
    if (!isExpected && !isInjected(error)) throw error
  }
}
