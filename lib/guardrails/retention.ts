import type { Contract } from '#lib/domain/contract/contract.ts'

/** A tier 1 product has a week to repair what blocks a shard before its stream forgets. */
export const TIER_1_STREAM_HOURS = 168

/**
 * Refuses a contract whose raw objects could expire before they may. Raw is created if it is absent, so it has to be
 * there for as long as the stream can deliver the batch again and for as long as a resend counts as a duplicate.
 */
export function checkRetention(contract: Contract, file: string): void {
  const { tier, stream, retention, dedupHorizonMinutes } = contract
  if (tier === 1 && stream.retentionHours < TIER_1_STREAM_HOURS) {
    throw new Error(
      `${file}: the stream of tier 1 product "${contract.product}" keeps events for ${stream.retentionHours} hours: set at least ${TIER_1_STREAM_HOURS}`,
    )
  }
  const neededHours = stream.retentionHours + dedupHorizonMinutes / 60
  if (retention.rawDays * 24 <= neededHours) {
    throw new Error(
      `${file}: raw of product "${contract.product}" is kept for ${retention.rawDays} days: keep it longer than stream retention and dedup horizon together (${Math.ceil(neededHours)} hours)`,
    )
  }
}

/**
 * Refuses a product whose versions do not agree on whether raw is locked: a bucket has locks from its creation on or
 * never, and CloudFormation would put an empty one in its place.
 */
export function checkLock(contracts: readonly Contract[], file: string): void {
  const [first, ...others] = contracts
  const changed = others.find(
    ({ retention }) =>
      (retention.rawLockDays === undefined) !== (first?.retention.rawLockDays === undefined),
  )
  if (first === undefined || changed === undefined) return
  const has = (one: Contract) => (one.retention.rawLockDays === undefined ? 'has not' : 'has')
  throw new Error(
    `${file}: version ${first.version} of product "${first.product}" ${has(first)} weir.rawLockDays and ${changed.version} ${has(changed)}: a bucket is made with locks or without, so state it in all versions or in none`,
  )
}
