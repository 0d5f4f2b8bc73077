import { PlatformError } from '../kernel/errors.ts'
import { type Predecessor, parsePredecessor } from '../kernel/sequence-number.ts'
import type { Table } from './table.ts'

/**
 * How far each shard's journal is in the table: set in the same swap as the rows. The table property names the
 * snapshot that set it; the same fences stand in that snapshot's summary, so that a rollback can restore them.
 */
export type Fences = Readonly<Record<string, Predecessor>>

export const FENCES_PROPERTY = 'weir.fences'
/** Set by a rollback: nothing is committed until a person releases it. */
export const HOLD_PROPERTY = 'weir.hold'

/**
 * The fences of the table as it stands. Throws `lake.rolledBack` if the snapshot that set them is no ancestor of
 * the current one: someone rolled back without the fences, and going on would lose what lies between. Throws
 * `lake.fencesUnproven` if nobody can tell any more.
 */
export async function readFences(table: Table): Promise<Fences> {
  const text = table.properties[FENCES_PROPERTY]
  if (text === undefined) return {}
  const { snapshot, shards } = parse(text, table)
  const descent = await table.descentFrom(BigInt(snapshot))
  if (descent !== 'descends') throw outOfStep(table, snapshot, descent)
  return fencesFrom(shards)
}

/** The snapshot that the table's property says set its fences; undefined without fences, or if they are not readable. */
export function fencesSetBy(properties: Readonly<Record<string, string>>): bigint | undefined {
  const { snapshot } = parsed(properties[FENCES_PROPERTY] ?? '') ?? {}
  return /^\d+$/.test(snapshot ?? '') ? BigInt(snapshot!) : undefined
}

/** The fences that a summary tells. */
export function fencesIn(summary: Readonly<Record<string, string>>): Fences | undefined {
  const text = summary[FENCES_PROPERTY]
  return text === undefined ? undefined : fencesFrom(JSON.parse(text) as Record<string, string>)
}

function fencesFrom(shards: Readonly<Record<string, string>>): Fences {
  return Object.fromEntries(
    Object.entries(shards).map(([shard, fence]) => [shard, parsePredecessor(fence)]),
  )
}

function outOfStep(table: Table, snapshot: string, descent: 'does not' | 'unknown'): PlatformError {
  const where = `table ${table.name.database}.${table.name.name}`
  const context = { snapshot, current: String(table.currentSnapshot?.snapshotId ?? 'none') }
  if (descent === 'unknown') {
    return new PlatformError(
      'lake.fencesUnproven',
      `whether ${where} was rolled back behind its fences (set by snapshot ${snapshot}) cannot be told: another engine expired the snapshots since, and earlier metadata files are gone; nothing is committed until a person has looked`,
      { context },
    )
  }
  return new PlatformError(
    'lake.rolledBack',
    `${where} was rolled back behind its fences (set by snapshot ${snapshot}): nothing is committed until snapshot and fences agree again`,
    { context },
  )
}

export function fencesProperty(snapshotId: bigint, fences: Fences): Record<string, string> {
  return {
    [FENCES_PROPERTY]: JSON.stringify({ snapshot: String(snapshotId), shards: fences }),
  }
}

export function fencesSummary(fences: Fences): Record<string, string> {
  return { [FENCES_PROPERTY]: JSON.stringify(fences) }
}

/** Throws `lake.onHold` until a person has released the table. */
export function refuseOnHold({ name, properties }: Table): void {
  const reason = properties[HOLD_PROPERTY]
  if (reason === undefined) return
  throw new PlatformError(
    'lake.onHold',
    `table ${name.database}.${name.name} is on hold: ${reason}`,
  )
}

function parse(text: string, table: Table): FencesText {
  const fences = parsed(text)
  if (fences !== undefined) return fences
  throw new PlatformError(
    'lake.fencesUnreadable',
    `table ${table.name.database}.${table.name.name}: property ${FENCES_PROPERTY} is not readable`,
    { context: { text: text.slice(0, 200) } },
  )
}

interface FencesText {
  readonly snapshot: string
  readonly shards: Record<string, string>
}

/** Undefined for what is not ours to guess. */
function parsed(text: string): FencesText | undefined {
  try {
    const { snapshot, shards } = JSON.parse(text)
    if (typeof snapshot === 'string' && typeof shards === 'object') return { snapshot, shards }
  } catch {
    // Not JSON: the same as JSON of another shape.
  }
  return undefined
}
