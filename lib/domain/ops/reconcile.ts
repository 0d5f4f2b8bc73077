import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'

/** What the stores hold of one shard, at positions up to `cut`; each number counted from its own store. */
export interface ShardEvidence {
  readonly shard: string
  /** The table's fence: what lies after it is in flight and nothing else. */
  readonly cut: Predecessor
  /** Events in the stream itself, for the positions that it still holds. */
  readonly inStream: number
  /** Lines in raw at positions that the stream has forgotten. */
  readonly rawBeforeStream: number
  /** Of the oldest positions, where retention may have removed objects: what the journal decided there. */
  readonly expired: ExpiredCounts
  /** Lines in raw past what expired, and how many different positions they have. */
  readonly raw: number
  readonly rawPositions: number
  /** The decision record: sums over the journal's entries. */
  readonly decided: {
    readonly received: number
    readonly admitted: number
    readonly duplicate: number
    readonly rejected: number
  }
  /** Rows of the curated table, and how many different positions they have. */
  readonly curated: number
  readonly curatedPositions: number
  /** Rows of quarantine past what expired. */
  readonly quarantined: number
  /** Rows of raw, curated and quarantine at positions after the cut. */
  readonly afterCut: {
    readonly raw: number
    readonly curated: number
    readonly quarantined: number
  }
  /** Events after the cut: in journal, raw or stream. */
  readonly inFlight: number
  /** What is wrong with the chain of entries and raw objects. */
  readonly chainProblems: readonly string[]
}

/** Events that only the journal still counts, because their objects were due. */
export interface ExpiredCounts {
  /** In raw. */
  readonly raw: number
  /** In quarantine. */
  readonly quarantined: number
}

export interface ReconcileCounts {
  readonly received: number
  readonly admitted: number
  readonly duplicate: number
  readonly rejected: number
  readonly raw: number
  readonly curated: number
  readonly quarantined: number
}

export interface Reconciliation extends ReconcileCounts {
  readonly balanced: boolean
  /** Events received that are not in the table's snapshot yet: part of `received`, of nothing else. */
  readonly inFlight: number
  /** Counted in `received` and `rejected`, but not in `raw` and `quarantined`: retention may have removed them. */
  readonly expired: ExpiredCounts
  readonly shards: readonly (ReconcileCounts & {
    readonly shard: string
    readonly inFlight: number
  })[]
  /** Which numbers disagree, and where. */
  readonly problems: readonly string[]
}

/**
 * Holds what the stores say of the same events against each other. Balanced means: nothing is in flight, every received
 * event is in raw once and is exactly one of admitted, duplicate or rejected, every admitted one is a row of the table,
 * every rejected one a row of quarantine, and the chain has no gap.
 */
export function reconcile(evidence: readonly ShardEvidence[]): Reconciliation {
  const problems = evidence.flatMap(problemsOf)
  const shards = evidence.map((one) => ({
    shard: one.shard,
    received: receivedUpToCut(one) + one.inFlight,
    admitted: one.decided.admitted,
    duplicate: one.decided.duplicate,
    rejected: one.decided.rejected,
    raw: one.raw,
    curated: one.curated,
    quarantined: one.quarantined,
    inFlight: one.inFlight,
  }))
  const sum = (of: (one: (typeof shards)[number]) => number) =>
    shards.reduce((total, one) => total + of(one), 0)
  const inFlight = sum((one) => one.inFlight)
  return {
    received: sum((one) => one.received),
    admitted: sum((one) => one.admitted),
    duplicate: sum((one) => one.duplicate),
    rejected: sum((one) => one.rejected),
    raw: sum((one) => one.raw),
    curated: sum((one) => one.curated),
    quarantined: sum((one) => one.quarantined),
    balanced: problems.length === 0 && inFlight === 0,
    inFlight,
    expired: {
      raw: evidence.reduce((total, one) => total + one.expired.raw, 0),
      quarantined: evidence.reduce((total, one) => total + one.expired.quarantined, 0),
    },
    shards,
    problems,
  }
}

function receivedUpToCut(one: ShardEvidence): number {
  return one.expired.raw + one.inStream + one.rawBeforeStream
}

function problemsOf(one: ShardEvidence): string[] {
  const { decided } = one
  const received = receivedUpToCut(one)
  const found: string[] = [...one.chainProblems]
  const expect = (isTrue: boolean, what: string) => {
    if (!isTrue) found.push(what)
  }
  expect(
    decided.received === decided.admitted + decided.duplicate + decided.rejected,
    `the journal received ${decided.received}, but admitted ${decided.admitted} + duplicate ${decided.duplicate} + rejected ${decided.rejected}`,
  )
  const { expired } = one
  expect(
    received === expired.raw + one.raw,
    `received ${received}, but raw holds ${one.raw}${expired.raw === 0 ? '' : ` and ${expired.raw} expired`}`,
  )
  expect(
    received === decided.received,
    `received ${received}, but the journal decided ${decided.received}`,
  )
  expect(
    one.raw === one.rawPositions,
    `raw holds ${one.raw - one.rawPositions} lines more than once`,
  )
  expect(
    one.curated === decided.admitted,
    `admitted ${decided.admitted}, but the table holds ${one.curated}`,
  )
  expect(
    one.curated === one.curatedPositions,
    `the table holds ${one.curated - one.curatedPositions} rows more than once`,
  )
  expect(
    expired.quarantined + one.quarantined === decided.rejected,
    `rejected ${decided.rejected}, but quarantine holds ${one.quarantined}${expired.quarantined === 0 ? '' : ` and ${expired.quarantined} expired`}`,
  )
  expect(
    one.afterCut.curated === 0,
    `the table holds ${one.afterCut.curated} rows past its own fence`,
  )
  return found.map((what) => `${one.shard}: ${what}`)
}
