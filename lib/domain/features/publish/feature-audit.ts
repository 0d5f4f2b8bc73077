import type { ReadinessCheck } from './readiness.ts'

/** What was done about the features of a view, and why: kept for as long as the product is. */
export interface FeatureRecord {
  readonly kind: 'readiness' | 'override' | 'published' | 'rolledBack'
  /** The view's state name. */
  readonly view: string
  /** The run, or the name of a training set. */
  readonly run: string
  readonly atMs: number
  readonly by: string
  /** Why somebody went on, or back. */
  readonly reason?: string
  readonly checks?: readonly ReadinessCheck[]
  readonly detail?: string
}

export interface FeatureAudit {
  /** Written once under kind, view, run and time: a repeat is the same record. */
  record(record: FeatureRecord): Promise<void>
  /** Of a view, newest first, at most so many. */
  list(view: string, limit: number): Promise<readonly FeatureRecord[]>
}
