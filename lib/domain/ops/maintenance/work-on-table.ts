import type { MaintenanceTerms } from '#lib/domain/contract/maintenance-terms.ts'
import { orphanPlansPrefix, type ProductLayout } from '#lib/domain/ingest/layout.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { refuseOnHold } from '#lib/domain/lake/fences.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import {
  duePlan,
  keepPlan,
  keptPlans,
  readPlan,
} from '#lib/domain/lake/maintenance/orphan-plans.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { setRetention } from '#lib/domain/lake/maintenance/retention-policy.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { isLive } from '#lib/domain/lake/manifest.ts'
import type { SwapOptions } from '#lib/domain/lake/swap-metadata.ts'
import { type Lake, manifestsOf, requireTable, type Table } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import type { ReadPositionSources } from '#lib/domain/process/generations/read-positions.ts'
import type { LakeTable } from '../lake-tables.ts'
import { orphanSources } from '../orphan-sources.ts'
import type {
  MaintenanceCounts,
  MaintenanceOutcome,
  MaintenanceStep,
} from './maintenance-record.ts'

/** What the upkeep of a product's tables works with. */
export interface MaintenanceSources extends ReadPositionSources {
  readonly lake: Lake
  /** The only one who may remove anything. */
  readonly remover: ObjectRemover
  readonly layout: ProductLayout
  readonly database: string
  readonly terms: MaintenanceTerms
  readonly swap?: SwapOptions
  /** Whether it is time to end, with what is done so far. */
  readonly shallStop: () => boolean
}

export interface WorkDone {
  readonly outcome: MaintenanceOutcome
  readonly detail?: string
  readonly counts: MaintenanceCounts
}

const MIB = 2 ** 20
const HOUR_MS = 3_600_000

/**
 * Does one step for a table that is there, as far as the time allows. Throws `lake.onHold` for each: whoever holds a table
 * has not decided yet which of its snapshots it shall be, so none of them may go.
 */
export async function workOn(
  sources: MaintenanceSources,
  table: LakeTable,
  step: MaintenanceStep,
): Promise<WorkDone> {
  const name = { database: sources.database, name: table.name }
  refuseOnHold((await requireTable(sources.lake, name)).table)
  switch (step) {
    case 'compact':
      return compacted(sources, name)
    case 'rewrite-manifests':
      return rewritten(sources, name)
    case 'expire':
      return expired(sources, name)
    case 'orphans':
      return swept(sources, name, table)
  }
}

async function compacted(
  { lake, terms, swap, shallStop }: MaintenanceSources,
  name: TableName,
): Promise<WorkDone> {
  const report = await compact(lake, name, {
    targetBytes: terms.targetFileSizeMb * MIB,
    ...(swap && { commit: swap }),
    shallStop,
  })
  const { filesBefore, filesAfter, bytesBefore, bytesAfter, isComplete } = report
  return {
    outcome: !isComplete ? 'continued' : filesBefore === 0 ? 'nothing' : 'done',
    counts: { filesBefore, filesAfter, bytesBefore, bytesAfter },
  }
}

async function rewritten({ lake, swap }: MaintenanceSources, name: TableName): Promise<WorkDone> {
  const count = async ({ metadata }: Table) =>
    (await manifestsOf(lake.objects, currentSnapshotOf(metadata))).filter(isLive).length
  const manifestsBefore = await count((await requireTable(lake, name)).table)
  const { committed, table } = await rewriteManifests(lake, name, swap)
  return {
    outcome: committed ? 'done' : 'nothing',
    counts: { manifestsBefore, manifestsAfter: await count(table) },
  }
}

async function expired(
  { lake, terms, swap }: MaintenanceSources,
  name: TableName,
): Promise<WorkDone> {
  const { keepSnapshots, keepSnapshotsHours } = terms
  await setRetention(
    lake,
    name,
    {
      ...(keepSnapshots !== undefined && { atLeast: keepSnapshots }),
      ...(keepSnapshotsHours !== undefined && { currentWithinMs: keepSnapshotsHours * HOUR_MS }),
    },
    swap,
  )
  const { expired: gone } = await expireSnapshots(lake, name, swap && { swap })
  return {
    outcome: gone.length === 0 ? 'nothing' : 'done',
    counts: { snapshotsExpired: gone.length },
  }
}

/** Removes what an earlier run has found, an hour ago at the least, and finds for the next one. */
async function swept(
  sources: MaintenanceSources,
  name: TableName,
  known: LakeTable,
): Promise<WorkDone> {
  const { lake, remover, layout, swap, shallStop } = sources
  const prefix = orphanPlansPrefix(layout, known.name)
  const waiting = orphanSources({ ...sources, objects: lake.objects }, known)
  const due = duePlan(await keptPlans(lake.objects, prefix), lake.clock.nowMs())
  let [objectsRemoved, bytesRemoved] = [0, 0]
  if (due !== undefined) {
    const plan = await readPlan(lake.objects, due)
    const options = { ...waiting, remover, shallStop, ...(swap && { swap }) }
    const removal = await removeOrphans(lake, name, plan, options)
    objectsRemoved = removal.removed
    bytesRemoved = removal.bytes
    if (!removal.isComplete) {
      return { outcome: 'continued', counts: { objectsRemoved, bytesRemoved } }
    }
  }
  const plan = await findOrphans(lake, name, waiting)
  if (plan.orphans.length > 0) await keepPlan(lake.objects, prefix, plan)
  return {
    outcome: objectsRemoved + plan.orphans.length === 0 ? 'nothing' : 'done',
    counts: { objectsRemoved, bytesRemoved, orphansFound: plan.orphans.length },
  }
}
