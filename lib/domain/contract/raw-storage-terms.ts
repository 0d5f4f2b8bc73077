import type { CustomProperties } from './custom-properties.ts'
import { shown } from './document-node.ts'

/**
 * The cheaper classes that raw may move to, with the days of each that are billed whatever happens. All of them
 * answer at once: of an archive that has to be thawed first, Athena would tell no row, and a rebuild could not read.
 */
export const COLD_CLASSES = { infrequent: 30, 'instant-archive': 90, intelligent: 0 } as const

export type ColdClass = keyof typeof COLD_CLASSES

/** What the contract says of raw that is no longer read every day. */
export interface RawColdTerms {
  readonly afterDays: number
  readonly to: ColdClass
}

export interface RawStorageTerms {
  readonly rawCold?: RawColdTerms
  readonly rawLockDays?: number
}

/** The terms as stated; notes what contradicts itself or the rest. */
export function rawStorageOf(
  custom: CustomProperties,
  { rawDays, retentionHours }: { readonly rawDays: number; readonly retentionHours: number },
): RawStorageTerms {
  const cold = rawColdOf(custom, rawDays, retentionHours)
  const lockDays = custom.integer('weir.rawLockDays')
  if (lockDays !== undefined && lockDays > rawDays) {
    custom
      .node('weir.rawLockDays')
      .problem(
        `raw is locked for ${lockDays} days and kept for ${rawDays}: what is locked does not expire, so write ${rawDays} or less`,
      )
  }
  return {
    ...(cold === undefined ? {} : { rawCold: cold }),
    ...(lockDays === undefined ? {} : { rawLockDays: lockDays }),
  }
}

function rawColdOf(
  custom: CustomProperties,
  rawDays: number,
  retentionHours: number,
): RawColdTerms | undefined {
  const text = custom.text('weir.rawColdClass') ?? ''
  const to = (Object.keys(COLD_CLASSES) as ColdClass[]).find((one) => one === text)
  if (to === undefined) {
    custom
      .node('weir.rawColdClass')
      .problem(`weir.rawColdClass is ${Object.keys(COLD_CLASSES).join(', ')}, not ${shown(text)}`)
  }
  const afterDays = custom.integer('weir.rawColdAfterDays')
  if (afterDays === undefined) {
    if (custom.has('weir.rawColdClass')) {
      custom
        .node('weir.rawColdClass')
        .problem('weir.rawColdClass says nothing without weir.rawColdAfterDays: add it')
    }
    return undefined
  }
  const node = custom.node('weir.rawColdAfterDays')
  const billed = to === undefined ? 0 : COLD_CLASSES[to]
  if (afterDays + billed > rawDays || afterDays >= rawDays) {
    node.problem(
      billed === 0
        ? `raw expires after ${rawDays} days: write less, or keep it longer`
        : `${to} bills ${billed} days at least, and raw expires after ${rawDays}: write ${Math.max(rawDays - billed, 0)} or less, or keep raw longer`,
    )
  }
  const stream = Math.ceil(retentionHours / 24)
  if (afterDays < stream) {
    node.problem(
      `the stream can deliver a batch again for ${stream} days, and then its raw object is read: write ${stream} or more`,
    )
  }
  return to === undefined ? undefined : { afterDays, to }
}
