import type { Micros } from '#lib/domain/kernel/time.ts'
import type { BackfillPlan, Units } from './plan.ts'

/** What somebody asks for. Two requests that say the same are one backfill. */
export interface BackfillRequest {
  readonly product: string
  readonly view: string
  /** Of the view's definition. */
  readonly version: number
  /** What the definition means: another meaning is another backfill. */
  readonly definition: string
  /** Windows that start in [from, to), whole days of UTC. */
  readonly from: Micros
  readonly to: Micros
  /** Tells two backfills of one range apart: a second one after the data was corrected, say. */
  readonly label?: string
}

/** Somebody, and why. */
export interface Decision {
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

/**
 * `requested` → (`waiting` for a person →) `running` → `published` → `rolledBack`. A backfill that is `stopped` or `failed`
 * goes on where it was when it is started again; one that was `refused` never does.
 */
export type BackfillState =
  | 'requested'
  | 'waiting'
  | 'running'
  | 'published'
  | 'refused'
  | 'stopped'
  | 'failed'
  | 'rolledBack'

/** What a round of chunks is computed from and compared with: pinned by tags, so that a repeat gives the same bytes. */
export interface Round {
  /** From 1; one more each time live data changed the range before it was published. */
  readonly number: number
  /** The curated table's snapshot, as digits; null of a table without any. */
  readonly source: string | null
  /** The feature table's. */
  readonly present: string
  /** When the round began: the time that its rows were made, whoever makes them. */
  readonly atMs: number
  /** What of the range is computed in this round, by chunk; what is not among them stays as an earlier round made it. */
  readonly chunks: readonly string[]
}

/** What was found wrong, and whether somebody has taken it on themselves. */
export interface CheckFinding {
  readonly rule: 'rowsGone' | 'nullsGrew' | 'journalDiffers'
  readonly message: string
}

/** The result held against what is published, per feature. */
export interface FeatureDifference {
  readonly rowsDifferent: number
  readonly nullsBefore: number
  readonly nullsAfter: number
  /** Of numbers; null of others. */
  readonly sumBefore: number | null
  readonly sumAfter: number | null
  readonly leastAfter: number | null
  readonly greatestAfter: number | null
}

export interface CheckReport {
  /** Which round it is of. */
  readonly round: number
  readonly rowsBefore: number
  readonly rowsAfter: number
  /** Of the rows after: those that are as they were. */
  readonly rowsSame: number
  readonly rowsAdded: number
  readonly rowsGone: number
  readonly features: Readonly<Record<string, FeatureDifference>>
  readonly findings: readonly CheckFinding[]
}

export interface Publication {
  /** Of the feature table, as digits. */
  readonly snapshot: string
  readonly files: number
  readonly rows: number
  readonly atMs: number
}

/** Everything that is known of a backfill: who, why, what, and what became of it. One document, and the audit record. */
export interface Backfill {
  readonly id: string
  readonly request: BackfillRequest
  readonly requested: Decision
  readonly state: BackfillState
  /** How often it was started. */
  readonly attempt: number
  /** Dollars that it may cost; the high end of the plan, unless somebody says otherwise. */
  readonly budgetUsd?: number
  /** Why results that a check finds wrong are published all the same. */
  readonly accepted?: Decision
  readonly plan?: BackfillPlan
  readonly approval?: Decision & { readonly decision: 'approved' | 'refused' }
  /** What the state machine waits with. */
  readonly taskToken?: string
  /** Which of the table's lock holders it is; a greater one came later. */
  readonly fence?: number
  readonly round?: Round
  readonly check?: CheckReport
  readonly publication?: Publication
  /** What Lambda, S3 and the others counted, all attempts together. */
  readonly spent?: Units
  readonly spentUsd?: number
  readonly stop?: Decision & { readonly cause: 'person' | 'budget' }
  readonly failure?: { readonly code: string; readonly message: string; readonly atMs: number }
  readonly rollback?: Decision & { readonly snapshot: string; readonly keptRows: number }
}

/** States in which it goes on by itself, or could be about to. */
export function isUnderWay({ state }: Backfill): boolean {
  return state === 'requested' || state === 'waiting' || state === 'running'
}

/** Whether two ranges of one table meet. */
export function overlaps(
  a: Pick<BackfillRequest, 'from' | 'to'>,
  b: Pick<BackfillRequest, 'from' | 'to'>,
): boolean {
  return a.from < b.to && b.from < a.to
}
