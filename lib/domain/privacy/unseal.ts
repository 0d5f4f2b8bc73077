import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { decodeRawBatch } from '#lib/domain/ingest/raw-object.ts'
import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  digitsOf,
  type SequenceNumber,
  sequenceNumber,
} from '#lib/domain/kernel/sequence-number.ts'
import { isErased, type KeyTable } from './key-table.ts'
import { groupsOf, type OpenedValues, openValues } from './open-batch.ts'
import type { SubjectKey, SubjectKeys } from './subject-keys.ts'

/** A row of a table, and the token that it has. */
export interface SealedRow {
  readonly shard: string
  readonly sequence: SequenceNumber
  readonly index: number
  readonly token: string
}

export interface UnsealDependencies {
  readonly contracts: ContractVersions
  readonly journal: Pick<Journal, 'entriesAfter'>
  readonly objects: Pick<ObjectStore, 'get'>
  readonly table: Pick<KeyTable, 'lookupOf' | 'subjects'>
  readonly subjects: Pick<SubjectKeys, 'unwrap'>
}

export interface Unsealed {
  /** Of each row asked for: its values, or null where nobody can read them any more, or nobody is in it. */
  readonly rows: readonly (OpenedValues | null)[]
  /** People whose values were opened. */
  readonly subjects: number
}

/** Rows that one request opens at most: each may lie in a raw object of its own. */
export const MOST_ROWS = 1_000
const BATCHES_AT_ONCE = 8
const LOOKUPS_AT_ONCE = 16

/**
 * Opens rows where they lie. An erased person's rows are null; so are rows whose raw object has expired. Throws
 * `privacy.tooManyRows`, and what {@link openValues} throws.
 */
export async function unseal(
  deps: UnsealDependencies,
  rows: readonly SealedRow[],
): Promise<Unsealed> {
  if (rows.length > MOST_ROWS) {
    throw new PlatformError(
      'privacy.tooManyRows',
      `${rows.length} rows are too many to unseal at once: ask for at most ${MOST_ROWS}`,
    )
  }
  const keys = await keysOf(deps, new Set(rows.map(({ token }) => token)))
  const readable = rows.filter(({ token }) => keys.has(token))
  const entries = await inParallel(readable, LOOKUPS_AT_ONCE, (row) => entryOf(deps.journal, row))
  const byEntry = new Map<string, { readonly entry: JournalEntry; readonly tokens: Set<string> }>()
  for (const [i, entry] of entries.entries()) {
    if (entry === undefined) continue
    const known = byEntry.get(entry.rawUri) ?? { entry, tokens: new Set() }
    byEntry.set(entry.rawUri, known)
    known.tokens.add(readable[i]!.token)
  }
  const opened = new Map<string, OpenedValues>()
  await inParallel([...byEntry.values()], BATCHES_AT_ONCE, async ({ entry, tokens }) => {
    const raw = await rawIfThere(deps.objects, entry.rawUri)
    if (raw === undefined) return
    for (const group of groupsOf(deps.contracts, raw, tokens)) {
      const values = openValues(group, keys.get(group.token)!)
      for (const [i, place] of group.places.entries()) {
        opened.set(idOf({ ...place, shard: group.shard, token: group.token }), values[i]!)
      }
    }
  })
  const found = rows.map((row) => opened.get(idOf(row)) ?? null)
  const people = new Set(rows.filter((_, i) => found[i] !== null).map(({ token }) => token))
  return { rows: found, subjects: people.size }
}

/** The keys of the people whom tokens stand for; erased ones have none. */
async function keysOf(
  { table, subjects }: UnsealDependencies,
  tokens: ReadonlySet<string>,
): Promise<ReadonlyMap<string, SubjectKey>> {
  const lookups = await inParallel([...tokens], LOOKUPS_AT_ONCE, (token) => table.lookupOf(token))
  const known = lookups.filter((lookup) => lookup !== undefined)
  const keys = new Map<string, SubjectKey>()
  for (const state of await table.subjects(known)) {
    if (isErased(state) || !tokens.has(state.token)) continue
    keys.set(state.token, await subjects.unwrap(state))
  }
  return keys
}

/** The entry of the batch that a row came in. */
async function entryOf(
  journal: Pick<Journal, 'entriesAfter'>,
  { shard, sequence }: SealedRow,
): Promise<JournalEntry | undefined> {
  const before = sequenceNumber(String(BigInt(digitsOf(sequence)) - 1n))
  const [entry] = await journal.entriesAfter(shard, before, 1)
  return entry
}

async function rawIfThere(objects: Pick<ObjectStore, 'get'>, uri: string) {
  try {
    return decodeRawBatch(uri, await objects.get(uri))
  } catch (error) {
    if (hasCode(error, 'objects.notFound')) return undefined
    throw error
  }
}

function idOf({ shard, sequence, index, token }: SealedRow): string {
  return `${shard}/${sequence}/${index}/${token}`
}
