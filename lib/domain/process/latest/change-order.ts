import { OPERATIONS } from '#lib/domain/contract/change-terms.ts'
import { type Column, type ColumnBatch, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { scalarAt } from '#lib/domain/lake/scalar-at.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/** What decides which of two changes of a row is the later one, and whether the row exists after it. */
export interface ChangeMark {
  readonly key: string
  readonly position: string
  readonly operation: string
  /** Of two changes at one position that do the same. */
  readonly id: string
}

/** Reads the marks of a batch's rows. */
export function changeMarks(
  batch: ColumnBatch,
  keyColumns: readonly string[],
): (row: number) => ChangeMark {
  const text = (name: string) => batch.columns.get(name) as Utf8Column
  const [position, operation] = [text('source_position'), text('op')]
  const [source, id] = [text('event_source'), text('event_id')]
  const key = keyColumns.map((name) => batch.columns.get(name)!)
  return (row) => ({
    key: JSON.stringify(key.map((column) => keyPart(column, row))),
    position: utf8At(position, row),
    operation: utf8At(operation, row),
    id: JSON.stringify([utf8At(source, row), utf8At(id, row)]),
  })
}

function keyPart(column: Column, row: number): string | null {
  if (column.kind === 'struct' || column.kind === 'list' || isNull(column, row)) return null
  return String(scalarAt(column, row))
}

/**
 * Whether the first change is later than the second: by position, which is the source's own order. At one position a
 * row that was deleted and created again (a changed key that changes back) is there, so creation comes last.
 */
export function isLater(a: ChangeMark, b: ChangeMark): boolean {
  if (a.position !== b.position) return a.position > b.position
  if (a.operation !== b.operation) return rank(a) > rank(b)
  return a.id > b.id
}

/** The order of the query over all changes: `order by source_position desc, op`. */
function rank({ operation }: ChangeMark): number {
  return -[...OPERATIONS].sort().indexOf(operation as (typeof OPERATIONS)[number])
}
