/** How the rows of a CSV become events of a product. */
export interface CsvSource {
  /** CloudEvents `source` and `type` of every row. */
  readonly source: string
  readonly type: string
  /** Every column that the file must have, in header order. */
  readonly columns: readonly CsvColumn[]
}

export interface CsvColumn {
  /** As the header spells it. */
  readonly column: string
  /** The data field it becomes. */
  readonly field: string
  /** `number`: emitted as the digits of the cell if they are a JSON number, else as a string. */
  readonly kind: 'number' | 'text' | 'boolean'
}

/** A row as an event: `data` is the JSON text of an object. */
export interface CsvEvent {
  readonly id: string
  readonly source: string
  readonly type: string
  readonly data: string
}

export type CsvRow =
  | { readonly ok: true; readonly event: CsvEvent }
  | { readonly ok: false; readonly problem: string }
export declare function mapCsvRow(
  source: CsvSource,
  header: readonly string[],
  cells: readonly string[],
): CsvRow
/** One clear sentence naming unknown and missing columns; undefined if the header fits. */
export declare function headerProblem(
  source: CsvSource,
  header: readonly string[],
): string | undefined
/** The event as one CloudEvents 1.0 JSON text. */
export declare function cloudEventText(event: CsvEvent): string
