import { OTHER_FIELDS } from './decode.ts'

/**
 * What producers sent in a batch that no contract in force knows: the first sign that they and the contract drift
 * apart. By name, with the number of events. Bounded, because it stands in every journal entry.
 */
export interface BatchDrift {
  readonly unknownFields?: Readonly<Record<string, number>>
  /** What `dataschema` declared; these events are in quarantine. */
  readonly unknownVersions?: Readonly<Record<string, number>>
}

/** Names of one kind that an entry holds; the rest are counted together, as {@link OTHER_FIELDS}. */
export const MAX_DRIFT_NAMES = 20

/** Undefined if there is none. */
export function driftOf(counted: {
  readonly unknownFields: ReadonlyMap<string, number>
  readonly unknownVersions: ReadonlyMap<string, number>
}): BatchDrift | undefined {
  const unknownFields = bounded(counted.unknownFields)
  const unknownVersions = bounded(counted.unknownVersions)
  if (unknownFields === undefined && unknownVersions === undefined) return undefined
  return {
    ...(unknownFields === undefined ? {} : { unknownFields }),
    ...(unknownVersions === undefined ? {} : { unknownVersions }),
  }
}

/** Drift of several batches together, bounded again. */
export function sumDrift(drifts: readonly (BatchDrift | undefined)[]): BatchDrift {
  const sum = (of: (drift: BatchDrift) => Readonly<Record<string, number>> | undefined) => {
    const counts = new Map<string, number>()
    for (const drift of drifts) {
      for (const [name, count] of Object.entries((drift && of(drift)) ?? {})) {
        counts.set(name, (counts.get(name) ?? 0) + count)
      }
    }
    return counts
  }
  const unknownFields = sum((drift) => drift.unknownFields)
  const unknownVersions = sum((drift) => drift.unknownVersions)
  return driftOf({ unknownFields, unknownVersions }) ?? {}
}

/** The most frequent names; equal input in equal order gives equal output, since entries are compared. */
function bounded(counts: ReadonlyMap<string, number>): Record<string, number> | undefined {
  if (counts.size === 0) return undefined
  const named = [...counts].filter(([name]) => name !== OTHER_FIELDS)
  named.sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
  const kept = named.slice(0, MAX_DRIFT_NAMES)
  const rest = named
    .slice(MAX_DRIFT_NAMES)
    .reduce((sum, [, count]) => sum + count, counts.get(OTHER_FIELDS) ?? 0)
  // Objects from entries: a name may be __proto__.
  return Object.fromEntries(rest === 0 ? kept : [...kept, [OTHER_FIELDS, rest]])
}
