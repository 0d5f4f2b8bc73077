import { createHash } from 'node:crypto'

/** How the rows of a CSV become events of a product. */
export interface CsvSource {
  /** CloudEvents `source` and `type` of every row. */
  readonly source: string
  readonly type: string
  /** Every column that the file must have, in header order. */
  readonly columns: readonly CsvColumn[]
  /** Text fields that follow from a row's cells, by column: the same of equal rows. An absent one is left out. */
  readonly derived?: (cells: Readonly<Record<string, string>>) => Readonly<Record<string, string>>
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
  | { readonly ok: true; readonly event: CsvEvent }
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
 * A row as an event. An empty cell is an absent field. The id is a hash of the row, so that sending a file
 * again sends the same events: equal rows are one event.
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
  const members = source.columns.flatMap(({ field, kind }, i) =>
    values[i] === '' ? [] : [`${JSON.stringify(field)}:${valueText(kind, values[i]!)}`],
  )
  if (source.derived !== undefined) {
    const cellsOf = source.columns.map(({ column }, i): [string, string] => [column, values[i]!])
    for (const [field, text] of Object.entries(source.derived(Object.fromEntries(cellsOf)))) {
      members.push(`${JSON.stringify(field)}:${JSON.stringify(text)}`)
    }
  }
  return {
    ok: true,
    event: {
      id: rowId(values),
      source: source.source,
      type: source.type,
      data: `{${members.join(',')}}`,
    },
  }
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
