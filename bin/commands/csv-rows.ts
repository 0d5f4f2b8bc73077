import { parse } from 'csv-parse/sync'
import type { Line } from './lines.ts'

/** A row of a CSV, or why it is none. `line` is where it begins. */
export type CsvRecord =
  | { readonly line: number; readonly text: string; readonly cells: readonly string[] }
  | { readonly line: number; readonly problem: string }

/** Lines that a quoted cell may span. An open quote that is a mistake must not swallow the file. */
const MAX_LINES_PER_ROW = 100

/**
 * The rows of a CSV. A row that cannot be read, or has another number of cells than the header, is a problem of its own;
 * reading goes on with the next line.
 */
export async function* csvRecords(
  lines: AsyncIterable<Line>,
  columns: number,
): AsyncGenerator<CsvRecord> {
  let waiting: Line[] = []
  for await (const line of lines) {
    waiting.push(line)
    while (waiting.length > 0) {
      const row = nextRow(waiting, columns)
      if (row === 'incomplete') break
      waiting = waiting.slice(row.lines)
      if (row.record !== undefined) yield row.record
    }
  }
  // The file ends inside a quote: the line that opened it is broken, what follows is read as it is.
  while (waiting.length > 0) {
    const row = nextRow(waiting, columns)
    const [first] = waiting
    if (row === 'incomplete')
      yield { line: first!.number, problem: 'a quote is not closed: not sent' }
    else if (row.record !== undefined) yield row.record
    waiting = waiting.slice(row === 'incomplete' ? 1 : row.lines)
  }
}

/** The cells of one row's text; undefined if its quotes are wrong. */
export function cellsOf(text: string): readonly string[] | undefined {
  if (!text.includes('"')) return text.split(',')
  try {
    const rows = parse(text, { relax_column_count: true }) as string[][]
    return rows.length === 1 ? rows[0] : undefined
  } catch {
    return undefined
  }
}

type Row = { readonly lines: number; readonly record?: CsvRecord } | 'incomplete'

function nextRow(waiting: readonly Line[], columns: number): Row {
  const first = waiting[0]!
  if ('problem' in first)
    return { lines: 1, record: { line: first.number, problem: first.problem } }
  if (first.text === '') return { lines: 1 }
  let text = ''
  for (const [i, line] of waiting.entries()) {
    if ('problem' in line || i >= MAX_LINES_PER_ROW) break
    text = i === 0 ? line.text : `${text}\n${line.text}`
    if (hasOpenQuote(text)) {
      if (i === waiting.length - 1 && i + 1 < MAX_LINES_PER_ROW) return 'incomplete'
      continue
    }
    const cells = cellsOf(text)
    if (cells?.length === columns) {
      return { lines: i + 1, record: { line: first.number, text, cells } }
    }
    // Several lines that do not make a row: the quote that joined them was a mistake of the first.
    const problem =
      cells === undefined || i > 0
        ? 'its quotes are broken: not sent'
        : `has ${cells.length} ${cells.length === 1 ? 'cell' : 'cells'}, the header has ${columns}: not sent`
    return { lines: 1, record: { line: first.number, problem } }
  }
  return { lines: 1, record: { line: first.number, problem: 'a quote is not closed: not sent' } }
}

function hasOpenQuote(text: string): boolean {
  let quotes = 0
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) quotes += 1
  return quotes % 2 === 1
}
