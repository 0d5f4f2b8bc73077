import { createHash } from 'node:crypto'
import type { Product } from '#lib/domain/contract/product.ts'
import { instantMicros, localMicros } from '#lib/domain/contract/time-text.ts'
import { changeName } from '#lib/domain/ingest/change-event.ts'
import { partitionValueOf } from '#lib/domain/ingest/change-row.ts'
import {
  type CsvSource,
  cloudEventText,
  headerProblem,
  mapCsvRow,
} from '#lib/domain/ingest/csv-mapping.ts'
import { parseKeepingDigits } from '#lib/domain/ingest/envelope.ts'
import type { EventName, ProducerEvent } from '#lib/domain/ingest/producer.ts'
import { partitionKeyText } from '#lib/domain/ingest/producer-event.ts'
import { localToUtc } from '#lib/domain/kernel/local-time.ts'
import type { Timed } from '#lib/domain/ops/disorder.ts'
import { cellsOf, csvRecords } from './csv-rows.ts'
import { CommandError } from './failure.ts'
import { checkedFile, type Line, readLines } from './lines.ts'

/** Kinesis takes 1 MiB a record; compressed, an event of this size always fits. */
export const MAX_EVENT_BYTES = 1024 * 1024

/** An event of a file, ready to be sent, and when it happened. */
export interface FileEvent extends ProducerEvent, Timed {}

/** What reading tells besides the events. */
export interface ReadObserver {
  /** A line that is not sent, and why. */
  onProblem(line: number, problem: string): void
  /** How far reading is. */
  onProgress(done: number, total: number, unit: 'bytes' | 'events'): void
}

/**
 * The events of a file: a CSV's in order of event time, as they happened; NDJSON's in file order. Reading the same file
 * again gives the same ids. Fails with one line if the file as a whole cannot be used.
 */
export async function readEvents(
  product: Product,
  file: string,
  observer: ReadObserver,
): Promise<AsyncIterable<FileEvent>> {
  const { size } = await checkedFile(file)
  if (/\.csv$/i.test(file)) {
    if (product.csv === undefined) {
      throw new CommandError(
        'file.noCsvForm',
        `${file}: product "${product.name}" has no CSV form (source.ts): send .ndjson`,
      )
    }
    return csvEvents(product, product.csv, file, observer)
  }
  if (/\.(ndjson|jsonl)$/i.test(file)) return ndjsonEvents(product, file, size, observer)
  throw new CommandError(
    'file.unknownForm',
    `${file}: is neither .csv nor .ndjson: the name says how the file is read`,
  )
}

/** An event of a row, before it is one. */
interface CsvPlace {
  readonly line: number
  readonly text: string
  /** Which of the row's events. */
  readonly at: number
  readonly eventTime: number
}

async function csvEvents(
  product: Product,
  csv: CsvSource,
  file: string,
  observer: ReadObserver,
): Promise<AsyncIterable<FileEvent>> {
  const lines = readLines(file, MAX_EVENT_BYTES)
  const header = await headerOf(file, csv, lines)
  const timeOf = timeReader(product)
  const timesOf = timesReader(csv, header, product.contract.eventTime)
  // Rows are kept as their text and sorted by time; they become events one at a time.
  const rows: CsvPlace[] = []
  let previous = Number.NEGATIVE_INFINITY
  let isEmpty = true
  for await (const record of csvRecords(lines, header.length)) {
    isEmpty = false
    if ('problem' in record) {
      observer.onProblem(record.line, record.problem)
      continue
    }
    for (const [at, time] of timesOf(record.cells).entries()) {
      // What does not say when it happened stays behind what came before it.
      previous = timeOf(time) ?? previous
      rows.push({ line: record.line, text: record.text, at, eventTime: previous })
    }
  }
  if (isEmpty)
    throw new CommandError('file.empty', `${file}: has a header and no rows: nothing to send`)
  rows.sort((a, b) => (a.eventTime === b.eventTime ? a.line - b.line : a.eventTime - b.eventTime))

  return (async function* () {
    for (const [i, row] of rows.entries()) {
      observer.onProgress(i, rows.length, 'events')
      const mapped = mapCsvRow(csv, header, cellsOf(row.text)!)
      if (!mapped.ok) {
        observer.onProblem(row.line, mapped.problem)
        continue
      }
      const event = mapped.events[row.at]!
      const { source, id } = event
      const text = cloudEventText(event)
      const problem = sizeProblem(text)
      if (problem !== undefined) {
        observer.onProblem(row.line, problem)
        continue
      }
      const data = JSON.parse(event.data) as Record<string, unknown>
      const partitionKey = partitionKeyText(data[product.contract.partitionKey])
      yield { source, id, text, partitionKey, eventTime: row.eventTime }
    }
  })()
}

/** When the events of a row happened, as the row says it. */
function timesReader(csv: CsvSource, header: readonly string[], field: string) {
  if (csv.eventsOf === undefined) {
    const column = csv.columns.find((one) => one.field === field)?.column ?? ''
    const cell = header.indexOf(column)
    return (cells: readonly string[]) => [cells[cell]]
  }
  return (cells: readonly string[]): readonly unknown[] => {
    const mapped = mapCsvRow(csv, header, cells)
    // What does not fit is told when its turn comes.
    if (!mapped.ok) return [undefined]
    return mapped.events.map(({ data }) => (JSON.parse(data) as JsonObject)[field])
  }
}

async function headerOf(
  file: string,
  csv: CsvSource,
  lines: AsyncGenerator<Line>,
): Promise<readonly string[]> {
  const { value: first } = await lines.next()
  if (first === undefined)
    throw new CommandError('file.empty', `${file}: is empty: nothing to send`)
  const text = 'text' in first ? first.text : undefined
  const header = text === undefined ? undefined : cellsOf(text)?.map((cell) => cell.trim())
  if (header === undefined) {
    throw new CommandError('file.header', `${file}: line 1 cannot be read as a CSV header`)
  }
  const problem = headerProblem(csv, header)
  if (problem !== undefined) throw new CommandError('file.header', `${file}: ${problem}`)
  return header
}

async function* ndjsonEvents(
  product: Product,
  file: string,
  size: number,
  observer: ReadObserver,
): AsyncGenerator<FileEvent> {
  const timeOf = timeReader(product)
  let isEmpty = true
  for await (const line of readLines(file, MAX_EVENT_BYTES)) {
    observer.onProgress(line.endByte, size, 'bytes')
    if ('problem' in line) {
      isEmpty = false
      observer.onProblem(line.number, line.problem)
      continue
    }
    const text = line.text.trim()
    if (text === '') continue
    isEmpty = false
    // After a deletion Debezium says once more, by nothing, that the row is gone.
    if (text === 'null' && product.contract.changes !== undefined) continue
    const parsed = parseObject(text)
    const event = typeof parsed === 'string' ? parsed : eventOf(product, text, parsed)
    if (typeof event === 'string') {
      observer.onProblem(line.number, event)
      continue
    }
    const { data, ...rest } = event
    yield {
      ...rest,
      partitionKey: partitionKeyText(partitionValueOf(product.contract, data) ?? event.source),
      eventTime: timeOf(data[product.contract.eventTime]),
    }
  }
  if (isEmpty) throw new CommandError('file.empty', `${file}: holds no events: nothing to send`)
}

type JsonObject = Readonly<Record<string, unknown>>

function eventOf(product: Product, text: string, parsed: JsonObject) {
  if (parsed.specversion !== undefined) {
    const data = isObject(parsed.data) ? parsed.data : {}
    // Without a source or an id it is no event that a contract takes: it travels all the same, and is told why there.
    const source = typeof parsed.source === 'string' ? parsed.source : ''
    const id = typeof parsed.id === 'string' ? parsed.id : hashOf(text)
    return sizeProblem(text) ?? { source, id, text, data }
  }
  const { source, id } = nameOf(product, text)
  const wrapped = cloudEventText({ id, source, type: product.contract.eventType, data: text })
  return sizeProblem(wrapped) ?? { source, id, text: wrapped, data: parsed }
}

/** Of data without an envelope: a change has a name of its own, other data is named by its bytes. */
function nameOf({ name, contract }: Product, text: string): EventName {
  const exact = contract.changes === undefined ? undefined : parseKeepingDigits(text)
  const change = exact?.ok ? changeName(exact.value, contract.changes!) : undefined
  return change ?? { source: `/weir/send/${name}`, id: hashOf(text) }
}

function parseObject(text: string): JsonObject | string {
  try {
    const parsed: unknown = JSON.parse(text)
    return isObject(parsed) ? parsed : 'is JSON but no object: not sent'
  } catch (error) {
    return `is not valid JSON (${(error as Error).message.replace(/\s*\n\s*/g, ' ')}): not sent`
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Event time as the contract reads it; undefined if the text is no such time. */
function timeReader(product: Product): (value: unknown) => number | undefined {
  const { fields, eventTime } = product.contract
  const type = fields.find((field) => field.name === eventTime)?.type
  const toUtc =
    type?.kind === 'timestamp' && type.localZone !== undefined
      ? localToUtc(type.localZone)
      : undefined
  return (value) => {
    if (typeof value !== 'string') return undefined
    const micros = toUtc === undefined ? instantMicros(value) : localMicros(value, toUtc)
    return typeof micros === 'bigint' ? Number(micros) : undefined
  }
}

function sizeProblem(text: string): string | undefined {
  const bytes = Buffer.byteLength(text)
  if (bytes <= MAX_EVENT_BYTES) return undefined
  return `event is ${bytes.toLocaleString('en-US')} bytes, more than ${MAX_EVENT_BYTES.toLocaleString('en-US')}: not sent`
}

/** The first 128 bits of SHA-256: a line is the same event each time it is sent. */
function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
