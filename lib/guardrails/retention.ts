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
