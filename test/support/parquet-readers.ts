import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureVenv } from '#local/local-cloud.ts'

const ROOT = join(import.meta.dirname, '../..')

/** A field as pyarrow sees it: name, id, type, whether it may be null, and what it is made of. */
export type ReadField = readonly [string, number, string, boolean, readonly ReadField[]]

export interface ReadFile {
  readonly schema: readonly ReadField[]
  readonly groups: number
  /** Where statistics are not those of the values; empty. */
  readonly wrongStatistics: readonly unknown[]
  readonly duckdbIds: readonly (readonly [string, number])[]
  /** Rows of values as text that says all: doubles as their bits, integers as digits. */
  readonly pyarrow: readonly unknown[]
  readonly duckdb: readonly unknown[]
}

export interface PrunedFile {
  readonly groups: number
  /** The row groups that pyarrow would open. */
  readonly kept: readonly number[]
  /** Rows that a filter finds in a file of which nothing but those groups is left. */
  readonly pyarrow: number
  readonly duckdb: number
  /** Whether reading that file without the filter fails, as it must. */
  readonly pyarrowNeedsAll: boolean
  readonly duckdbNeedsAll: boolean
}

export type ReaderRequest =
  | { readonly do: 'read'; readonly path: string }
  | { readonly do: 'same'; readonly left: string; readonly right: string }
  | {
      readonly do: 'pruned'
      readonly path: string
      /** The filter in SQL, and as a column's value, as text. */
      readonly where: string
      readonly column: string
      readonly value: string
    }

/** The Python that has pyarrow and DuckDB. */
export function readersPython(): Promise<string> {
  const cache = process.env.WEIR_VENV_CACHE || join(ROOT, '.weir')
  return ensureVenv(cache, join(ROOT, 'test/integration/requirements.txt'))
}

/** Asks pyarrow and DuckDB, which know nothing of Weir; an answer for each request. */
export async function askParquetReaders<Answers extends readonly unknown[]>(
  requests: readonly ReaderRequest[],
): Promise<Answers> {
  const script = join(import.meta.dirname, 'parquet_readers.py')
  const { status, stdout, stderr } = spawnSync(await readersPython(), [script], {
    input: JSON.stringify(requests),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  })
  if (status !== 0) throw new Error(`the readers failed: ${stderr}`)
  return JSON.parse(stdout) as Answers
}
