import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { withoutPersonal } from '#test/support/without-personal.ts'
import type { LakeRunSettings } from './lake-run.ts'
import { StubCloud } from './stub-cloud.ts'

/** A load and the freshness that is paid for. */
export interface Setting {
  readonly freshnessSeconds: number
  readonly eventsPerSecondAndShard: number
  readonly shards: number
  readonly features: boolean
}

export const STUB_PLACES = {
  streamName: 'stream',
  bucket: 'bucket',
  journalTable: 'journal',
  slotsTable: 'slots',
  database: 'weir',
  undecodableKeyId: 'key',
} as const

/** The trips of the project, without riders: a stream kept for seven days, one view. */
export function tripsContract(): Contract {
  const file = fileURLToPath(new URL('../../products/trips/contract.yaml', import.meta.url))
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(`${file} is no contract`)
  return withoutPersonal(parsed.contract)
}

/** A run on a stub cloud of its own. Of the time an event may take, a tenth is spent waiting in the producer. */
export function stubSettings(
  contract: Contract,
  setting: Setting,
  events: number,
  cloud = new StubCloud(),
): LakeRunSettings {
  const freshnessMs = setting.freshnessSeconds * 1000
  return {
    contract,
    ...setting,
    events,
    freshnessMs,
    lingerMs: freshnessMs / 10,
    clientConfig: cloud.clientConfig,
    places: STUB_PLACES,
  }
}
