import type { Backfill } from '#lib/domain/backfill/backfill.ts'
import type { BackfillStore } from '#lib/domain/backfill/backfill-store.ts'
import { chunkRecords } from '#lib/domain/backfill/landing.ts'
import { type BackfillPlan, chunkNames, type Units } from '#lib/domain/backfill/plan.ts'
import { dateOf, isoOf } from '#lib/domain/kernel/time.ts'
import { bytesText } from './byte-text.ts'
import { counted, grouped, table } from './terminal.ts'

/** Fractions of a cent matter where a day costs less than one. */
export function usdText(usd: number): string {
  return `$${usd >= 1 ? usd.toFixed(2) : usd.toPrecision(2)}`
}

export function secondsText(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`
}

/** A plan in a few lines. */
export function planLines(plan: BackfillPlan): readonly string[] {
  const { chunks, chunkDays, parallel, usd, seconds } = plan
  return [
    `${counted(plan.days, 'day')} in ${counted(chunks, 'chunk')} of ${counted(chunkDays, 'day')}, ${parallel} at once`,
    `reads ${counted(plan.sourceRows, 'row')} in ${counted(plan.sourceFiles, 'file')} (${bytesText(plan.sourceBytes)}), and ${counted(plan.presentRows, 'row')} that are there`,
    `costs ${usdText(usd.likely)} (${usdText(usd.low)} to ${usdText(usd.high)}), takes ${secondsText(seconds.likely)} (${secondsText(seconds.low)} to ${secondsText(seconds.high)})`,
    plan.approveAboveUsd === null
      ? 'nobody has to approve it'
      : `a person ${plan.needsApproval ? 'has to' : 'need not'} approve it: the contract's threshold is ${usdText(plan.approveAboveUsd)}`,
  ]
}

/** Where a backfill stands, as `status` and `history` tell it. */
export interface BackfillStatus {
  readonly id: string
  readonly state: Backfill['state']
  readonly view: string
  readonly version: number
  readonly from: string
  readonly to: string
  readonly requestedBy: string
  readonly reason: string
  readonly requestedAt: string
  readonly attempt: number
  readonly chunksDone: number | null
  readonly chunks: number
  readonly round: number | null
  readonly estimatedUsd: BackfillPlan['usd'] | null
  readonly budgetUsd: number | null
  readonly spentUsd: number | null
  readonly spent: Units
  readonly approval: Backfill['approval'] | null
  readonly check: Backfill['check'] | null
  readonly accepted: Backfill['accepted'] | null
  readonly publication: Backfill['publication'] | null
  readonly stop: Backfill['stop'] | null
  readonly failure: Backfill['failure'] | null
  readonly rollback: Backfill['rollback'] | null
}

/** Of one backfill, with how many of its chunks are done. */
export async function progressOf(store: BackfillStore, backfill: Backfill): Promise<number> {
  if (backfill.round === undefined) return 0
  const { missing } = await chunkRecords({ store }, backfill)
  return chunkNames(backfill.request, backfill.plan!).length - missing.length
}

export function statusOf(backfill: Backfill, chunksDone: number | null): BackfillStatus {
  const { request, requested, plan } = backfill
  return {
    id: backfill.id,
    state: backfill.state,
    view: request.view,
    version: request.version,
    from: dateOf(request.from),
    to: dateOf(request.to),
    requestedBy: requested.by,
    reason: requested.reason,
    requestedAt: isoOf(requested.atMs * 1_000),
    attempt: backfill.attempt,
    chunksDone,
    chunks: plan?.chunks ?? 0,
    round: backfill.round?.number ?? null,
    estimatedUsd: plan?.usd ?? null,
    budgetUsd: backfill.budgetUsd ?? null,
    spentUsd: backfill.spentUsd ?? null,
    spent: backfill.spent ?? {},
    approval: backfill.approval ?? null,
    check: backfill.check ?? null,
    accepted: backfill.accepted ?? null,
    publication: backfill.publication ?? null,
    stop: backfill.stop ?? null,
    failure: backfill.failure ?? null,
    rollback: backfill.rollback ?? null,
  }
}

/** A status in lines. */
export function statusLines(status: BackfillStatus): readonly string[] {
  const { id, state, check, publication, approval, stop, failure, rollback } = status
  const done =
    status.chunksDone === null
      ? ''
      : `, ${status.chunksDone} of ${counted(status.chunks, 'chunk')} done`
  return [
    `${id}: ${state}${done}${status.round !== null && status.round > 1 ? `, round ${status.round}` : ''}`,
    `asked for by ${status.requestedBy} at ${status.requestedAt}: ${status.reason}`,
    ...(status.estimatedUsd === null
      ? []
      : [
          `cost: ${status.spentUsd === null ? 'not known yet' : usdText(status.spentUsd)} (planned ${usdText(status.estimatedUsd.likely)}, budget ${usdText(status.budgetUsd ?? 0)})`,
        ]),
    ...(approval ? [`${approval.decision} by ${approval.by}: ${approval.reason}`] : []),
    ...(check
      ? [
          `rows: ${grouped(check.rowsBefore)} before, ${grouped(check.rowsAfter)} after; ${grouped(check.rowsSame)} the same, ${grouped(check.rowsAdded)} new, ${grouped(check.rowsGone)} gone`,
          featureTable(check.features),
          ...check.findings.map(({ message }) => `wrong: ${message}`),
        ]
      : []),
    ...(publication ? [`published as snapshot ${publication.snapshot}`] : []),
    ...(stop ? [`stopped by ${stop.by}: ${stop.reason}`] : []),
    ...(failure ? [`failed: ${failure.message}`] : []),
    ...(rollback ? [`taken back by ${rollback.by}: ${rollback.reason}`] : []),
  ]
}

function featureTable(features: NonNullable<Backfill['check']>['features']): string {
  const rows = Object.entries(features).map(([name, one]) => [
    name,
    grouped(one.rowsDifferent),
    `${grouped(one.nullsBefore)} → ${grouped(one.nullsAfter)}`,
    one.sumAfter === null ? '' : `${one.sumBefore} → ${one.sumAfter}`,
    one.leastAfter === null ? '' : `${one.leastAfter} to ${one.greatestAfter}`,
  ])
  return table(['feature', 'rows that differ', 'nulls', 'sum', 'range'], rows)
}
