import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'

/** So long after the cut the data before it has to be there. */
export const READY_WITHIN_MINUTES = 30
/** The newest day's rows beside the median of the days before it. */
const ROW_BOUNDS = { least: 0.5, most: 2 } as const
const RECENT_STRETCHES = 7
/** Fewer days say nothing of what is usual. */
const LEAST_STRETCHES = 3

/** What is known of the data before a cut, in one table. */
export interface ReadinessEvidence {
  readonly cut: Micros
  /** The event time up to which the table is complete; null while nobody can tell. */
  readonly watermark: Micros | null
  /** Whether everything that has been sent is in the table, and nothing is on its way. */
  readonly isDrained: boolean
  /** Of batches that arrived since a day before the cut. */
  readonly counts: {
    readonly received: number
    readonly admitted: number
    readonly duplicate: number
    readonly rejected: number
  }
  /** Shards that have more in the journal than in the table. */
  readonly behind: readonly string[]
}

/** Rows by stretch of event time, oldest first: days, unless windows are longer. Those without rows may be left out. */
export type RowCounts = readonly {
  readonly from: Micros
  readonly to: Micros
  readonly rows: number
}[]

export interface ReadinessCheck {
  readonly name: 'completeness' | 'balance' | 'rows'
  readonly ok: boolean
  readonly detail: string
}

export interface Readiness {
  /** `waiting`: it may yet become ready before the time is over. */
  readonly state: 'ready' | 'waiting' | 'refused'
  readonly checks: readonly ReadinessCheck[]
}

/**
 * Whether a training set may be built, or features published, of the data before the cut. `rows` are left out as long as
 * nobody has counted them.
 */
export function assessReadiness(
  evidence: ReadinessEvidence,
  nowMs: number,
  rows?: RowCounts,
): Readiness {
  const complete = completeness(evidence)
  const checks = [
    complete,
    balance(evidence),
    ...(rows === undefined ? [] : [rowCheck(evidence, rows)]),
  ]
  if (checks.every(({ ok }) => ok)) return { state: 'ready', checks }
  const deadlineMs = evidence.cut / 1000 + READY_WITHIN_MINUTES * 60_000
  const mayStillCome = !complete.ok && nowMs < deadlineMs
  return { state: mayStillCome ? 'waiting' : 'refused', checks }
}

function completeness({ cut, watermark, isDrained, behind }: ReadinessEvidence): ReadinessCheck {
  const name = 'completeness'
  if (watermark !== null && watermark >= cut) {
    return { name, ok: true, detail: `complete up to ${isoOf(watermark)}` }
  }
  if (isDrained) {
    return {
      name,
      ok: true,
      detail: 'everything that was sent is in the table, and nothing is on its way',
    }
  }
  const reached =
    watermark === null ? 'nothing is known to be complete' : `complete up to ${isoOf(watermark)}`
  const missing =
    behind.length === 0 ? '' : `; not in the table yet: entries of ${behind.join(', ')}`
  return {
    name,
    ok: false,
    detail: `${reached}, wanted ${isoOf(cut)} within ${READY_WITHIN_MINUTES} minutes${missing}`,
  }
}

function balance({ counts }: ReadinessEvidence): ReadinessCheck {
  const { received, admitted, duplicate, rejected } = counts
  return {
    name: 'balance',
    ok: received === admitted + duplicate + rejected,
    detail: `received ${received} = admitted ${admitted} + duplicate ${duplicate} + rejected ${rejected}`,
  }
}

function rowCheck({ cut }: ReadinessEvidence, rows: RowCounts): ReadinessCheck {
  const name = 'rows'
  const [newest, ...before] = newestStretches(rows, cut)
  const usual = medianOf(before)
  if (newest === undefined || before.length < LEAST_STRETCHES) {
    return { name, ok: true, detail: 'there are too few days to say what is usual' }
  }
  return {
    name,
    ok: newest >= ROW_BOUNDS.least * usual && newest <= ROW_BOUNDS.most * usual,
    detail: `${newest} rows in the last whole day before the cut, ${usual} in the median of ${before.length} days before it (${ROW_BOUNDS.least} to ${ROW_BOUNDS.most} times as many are usual)`,
  }
}

/** Rows of the last stretches of full length before the cut, newest first; one that has no rows counts as well. */
function newestStretches(rows: RowCounts, cut: Micros): readonly number[] {
  const length = Math.max(...rows.map(({ from, to }) => to - from))
  const whole = rows.filter(({ from, to }) => to - from === length)
  const first = whole[0]?.from
  if (first === undefined) return []
  const byStart = new Map(whole.map((one) => [one.from, one.rows]))
  const last = first + Math.floor((cut - first) / length) * length
  const starts = Array.from(
    { length: RECENT_STRETCHES + 1 },
    (_, back) => last - (back + 1) * length,
  )
  return starts.filter((start) => start >= first).map((start) => byStart.get(start) ?? 0)
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
