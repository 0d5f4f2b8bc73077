import { createHash } from 'node:crypto'

/** How the rows of a CSV become events of a product. */
export interface CsvSource {
  /** CloudEvents `source` and `type` of every row. */
  readonly source: string
  readonly type: string
  /** Every column that the file must have, in header order. */
  readonly columns: readonly CsvColumn[]
  /**
   * What a row says, by columns, where that is not simply one event of its cells. A function of the row alone: sending a
   * file again sends the same events.
   */
  readonly eventsOf?: (row: CsvCells) => readonly DerivedEvent[]
  /** Text fields that follow from a row's cells, by column: the same of equal rows. An absent one is left out. */
  readonly derived?: (cells: CsvCells) => Readonly<Record<string, string>>
}

/** A row's cells by the names of their columns; an empty one is an empty text. */
export type CsvCells = Readonly<Record<string, string>>

/** An event that a row says, among others. */
export interface DerivedEvent {
  /** Tells it from the others of its row. */
  readonly part: string
  /** What is undefined is absent. A cell that is a number goes through `numberOf`. */
  readonly data: Readonly<Record<string, string | number | boolean | undefined>>
}

export interface CsvColumn {
  /** As the header spells it. */
  readonly column: string
  /** The data field that it becomes. */
  readonly field: string
  /** `number`: emitted with the digits of the cell if they are a JSON number, else as a string. */
  readonly kind: 'number' | 'text' | 'boolean'
}

/** A row as an event; `data` is the JSON text of an object, so that numbers keep their digits. */
export interface CsvEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly data: string
}

export type CsvRow =
  | { readonly ok: true; readonly events: readonly CsvEvent[] }
  | { readonly ok: false; readonly problem: string }

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** One clear sentence that names unknown, missing and doubled columns; undefined if the header fits. */
export function headerProblem(source: CsvSource, header: readonly string[]): string | undefined {
  const expected = source.columns.map((column) => column.column)
  const parts = [
    listed(
      'unknown columns',
      header.filter((name) => !expected.includes(name)),
    ),
    listed(
      'missing columns',
      expected.filter((name) => !header.includes(name)),
    ),
    listed(
      'doubled columns',
      header.filter((name, i) => header.indexOf(name) !== i),
    ),
  ].filter((part) => part !== undefined)
  return parts.length === 0 ? undefined : `the CSV header does not fit: ${parts.join('; ')}`
}

/**
 * A row as one event, or those that its source makes of it. An empty cell is an absent field. Ids are hashes of the row, so
 * that sending a file again sends the same events: equal rows are one event.
 */
export function mapCsvRow(
  source: CsvSource,
  header: readonly string[],
  cells: readonly string[],
): CsvRow {
  const unfit = headerProblem(source, header)
  if (unfit !== undefined) return { ok: false, problem: unfit }
  if (cells.length !== header.length) {
    return { ok: false, problem: `the row has ${cells.length} cells, the header ${header.length}` }
  }
  const values = source.columns.map(({ column }) => cells[header.indexOf(column)]!)
  const [id, { source: from, type }] = [rowId(values), source]
  const row = Object.fromEntries(source.columns.map(({ column }, i) => [column, values[i]!]))
  if (source.eventsOf !== undefined) {
    const events = source.eventsOf(row).map(({ part, data }) => {
      return { id: `${id}-${part}`, source: from, type, data: JSON.stringify(data) }
    })
    return { ok: true, events }
  }
  const members = source.columns.flatMap(({ field, kind }, i) =>
    values[i] === '' ? [] : [`${JSON.stringify(field)}:${valueText(kind, values[i]!)}`],
  )
  if (source.derived !== undefined) {
    for (const [field, text] of Object.entries(source.derived(row))) {
      members.push(`${JSON.stringify(field)}:${JSON.stringify(text)}`)
    }
  }
  return { ok: true, events: [{ id, source: from, type, data: `{${members.join(',')}}` }] }
}

/** A cell as the number that it is; as its text if it is none, which the contract then judges. */
export function numberOf(cell: string): number | string {
  return JSON_NUMBER.test(cell) ? Number(cell) : cell
}

/** The event as the text of one CloudEvents 1.0 JSON object. */
export function cloudEventText(event: CsvEvent): string {
  const { id, source, type, data } = event
  const attributes = JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    datacontenttype: 'application/json',
  })
  return `${attributes.slice(0, -1)},"data":${data}}`
}

function valueText(kind: CsvColumn['kind'], cell: string): string {
  const isBare =
    (kind === 'number' && JSON_NUMBER.test(cell)) ||
    (kind === 'boolean' && (cell === 'true' || cell === 'false'))
  return isBare ? cell : JSON.stringify(cell)
}

/** 128 bits of SHA-256 over the length-prefixed cells in the order of the source's columns. */
function rowId(values: readonly string[]): string {
  const hash = createHash('sha256')
  const length = Buffer.alloc(4)
  for (const value of values) {
    length.writeUInt32BE(Buffer.byteLength(value))
    hash.update(length).update(value)
  }
  return hash.digest('hex').slice(0, 32)
}

function listed(what: string, names: readonly string[]): string | undefined {
  return names.length === 0 ? undefined : `${what} ${names.join(', ')}`
}
