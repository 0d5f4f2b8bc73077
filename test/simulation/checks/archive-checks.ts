import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { JournalEntry, ShardRegistration } from '#lib/domain/ingest/journal.ts'
import { decodeQuarantine } from '#lib/domain/ingest/quarantine-file.ts'
import { decodeRawBatch, type RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { type CuratedFile, decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { dateOf, minuteOf } from '#lib/domain/kernel/time.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { rangeOf } from '#test/support/reference/raw-object.ts'
import type { SentRecord } from '../cell/events.ts'
import { DEPLOYMENTS, JOURNAL_TABLE, LAYOUT } from '../cell/product.ts'
import type { ItemChange } from '../cloud/dynamodb.ts'
import type { AcceptedRecord, KinesisModel } from '../cloud/kinesis.ts'
import type { ObjectChange, S3Model } from '../cloud/s3.ts'
import { type AdmittedEvent, identitiesOf, VerdictOracle, type Verdicts } from './verdict-oracle.ts'
import { must, mustEqual } from './violation.ts'

/** An entry of the journal and what the oracle says of it. */
export interface CheckedEntry {
  readonly entry: JournalEntry
  readonly verdicts: Verdicts
  readonly files: readonly CuratedFile[]
}

const RAW = new RegExp(
  `^s3://${LAYOUT.bucket}/raw/region=[^/]+/date=([\\d-]+)/(.+)-(start|\\d+)\\.json\\.zst$`,
)

/**
 * Holds raw and the journal against the stream, effect by effect: raw is the stream's records cut into a chain,
 * once and for ever; each entry has the verdicts that any code must give, and names objects that are there.
 */
export class ArchiveChecks {
  /** By shard, in order. */
  readonly entries = new Map<string, CheckedEntry[]>()
  readonly #stream: KinesisModel<SentRecord>
  readonly #s3: S3Model
  readonly #oracle: VerdictOracle
  /** Whether some of the code that was deployed rejects more. */
  readonly #readings: readonly boolean[]
  readonly #byFile = new Map<string, CheckedEntry>()
  readonly #registrations = new Map<string, ShardRegistration>()
  readonly #raw = new Map<string, { readonly uri: string; readonly batch: RawBatch }>()
  readonly #fail: (error: unknown) => void

  constructor(options: {
    readonly stream: KinesisModel<SentRecord>
    readonly s3: S3Model
    /** Of the code that judges, whether it is strict; both if both was deployed. */
    readonly readings: readonly boolean[]
    /** Told what a check finds that takes a promise, before the next turn. */
    readonly fail: (error: unknown) => void
  }) {
    this.#stream = options.stream
    this.#s3 = options.s3
    this.#oracle = new VerdictOracle(options.stream)
    this.#readings = options.readings
    this.#fail = options.fail
  }

  entriesOf(shard: string): readonly CheckedEntry[] {
    return this.entries.get(shard) ?? []
  }

  /** The entry that names a curated file. */
  entryOf(uri: string): CheckedEntry | undefined {
    return this.#byFile.get(uri)
  }

  isRegistered(shard: string): boolean {
    return this.#registrations.has(shard)
  }

  /** Whether every record of the stream is in the journal. */
  isDrained(): boolean {
    return this.#stream.shards.every(
      ({ id, records }) => records.at(-1)?.sequence === this.entriesOf(id).at(-1)?.entry.last,
    )
  }

  onObject({ uri, before, after, isConditional }: ObjectChange): void {
    if (after === undefined) return
    // Every name decides what stands there: by a position, a content hash or chance.
    must(before === undefined || Buffer.compare(before, after) === 0, () => `${uri} was rewritten`)
    const match = RAW.exec(uri)
    if (match === null) return
    must(isConditional, () => `${uri} was put without a condition`)
    this.#checkRaw(uri, after, match[1]!, match[2]!, match[3] as Predecessor)
  }

  onItem({ table, partition, sort, before, after }: ItemChange): CheckedEntry | undefined {
    if (table !== JOURNAL_TABLE) return undefined
    must(before === undefined, () => `journal item ${partition}/${sort} was rewritten`)
    const body = after?.body?.S
    must(body !== undefined, () => `journal item ${partition}/${sort} has no body`)
    if (partition === '#shards') {
      this.#registrations.set(sort, JSON.parse(body))
      return undefined
    }
    const entry = JSON.parse(body) as JournalEntry
    mustEqual([partition, sort], [entry.shard, entry.last], () => 'an entry stands elsewhere')
    return this.#checkEntry(entry)
  }

  #checkRaw(uri: string, bytes: Uint8Array, date: string, shard: string, prev: Predecessor): void {
    const batch = decodeRawBatch(uri, bytes)
    const { last } = rangeOf(batch)
    const records = this.#oracle.recordsBetween(shard, prev, last)
    const head = this.entriesOf(shard).at(-1)?.entry
    mustEqual(prev, head?.last ?? 'start', () => `${uri} does not follow the journal`)
    const known = this.#raw.get(`${shard}-${prev}`)
    must(known === undefined, () => `${uri} overlaps ${known?.uri}`)
    this.#raw.set(`${shard}-${prev}`, { uri, batch })
    mustEqual(
      date,
      head === undefined ? this.#registrations.get(shard)?.startDate : dateOf(head.arrival.last),
      () => `${uri} has another date than its predecessor`,
    )
    must(batch.shard === shard, () => `${uri} is of shard ${batch.shard}`)
    const places = batch.events.map((event) => [
      event.sequence,
      event.index,
      event.arrivalMicros,
      event.kind === 'event' ? event.text : event.kind,
    ])
    const expected = records.flatMap(({ sequence, arrivalMs, content }) => {
      const texts = content.isDecodable ? content.events.map(({ text }) => text) : ['stub']
      return texts.map((text, index) => [sequence, index, arrivalMs * 1000, text])
    })
    mustEqual(places, expected, () => `${uri} is not what the stream has there`)
    for (const stub of batch.events.filter((event) => event.kind === 'stub')) {
      const kept = `/${shard}-${stub.sequence}.bin`
      const uris = [...this.#s3.uris(`s3://${LAYOUT.bucket}/undecodable/`)]
      must(
        uris.some((one) => one.endsWith(kept)),
        () => `raw has a stub of ${stub.sequence}, but its bytes are not kept`,
      )
    }
  }

  #checkEntry(entry: JournalEntry): CheckedEntry {
    const { shard, prev, first, last } = entry
    const where = `entry ${shard}/${last}`
    must(this.#registrations.has(shard), () => `${where} of a shard that is not registered`)
    const entries = this.entries.get(shard) ?? []
    this.entries.set(shard, entries)
    const head = entries.at(-1)?.entry
    mustEqual(prev, head?.last ?? 'start', () => `${where} does not follow the one before it`)
    const raw = this.#raw.get(`${shard}-${prev}`)
    must(raw !== undefined, () => `${where} follows ${prev}, where raw has nothing`)
    mustEqual(entry.rawUri, raw.uri, () => `${where} names another raw object`)
    mustEqual({ first, last }, rangeOf(raw.batch), () => `${where} has another range than raw`)
    mustEqual(entry.contractVersion, raw.batch.contractVersion, () => `${where}: version`)
    const records = this.#oracle.recordsBetween(shard, prev, last)
    mustEqual(entry.arrival, arrivalOf(records, head), () => `${where}: arrival`)
    const verdicts = this.#checkVerdicts(where, entry, records)
    mustEqual(entry.eventTime, eventTimeOf(verdicts.admitted), () => `${where}: event time`)
    this.#oracle.decide(shard, verdicts)
    const checked = { entry, verdicts, files: this.#filesOf(where, entry, verdicts) }
    entries.push(checked)
    for (const { path } of checked.files) this.#byFile.set(path, checked)
    return checked
  }

  /** Those of any code that was deployed; whichever entered first decides. */
  #checkVerdicts(
    where: string,
    entry: JournalEntry,
    records: readonly AcceptedRecord<SentRecord>[],
  ): Verdicts {
    const candidates = this.#readings.map((isStrict) =>
      this.#oracle.judge(entry.shard, records, { isStrict, version: entry.contractVersion }),
    )
    const found = {
      ...entry.counts,
      before: entry.maxEventTimeBefore,
      after: entry.maxEventTimeAfter,
    }
    const expected = candidates.map((one) => ({
      received: one.received,
      admitted: one.admitted.length,
      duplicate: one.duplicates,
      rejected: one.rejected.length,
      before: one.maxEventTimeBefore,
      after: one.maxEventTimeAfter,
    }))
    const at = expected.findIndex((one) => JSON.stringify(one) === JSON.stringify(found))
    must(
      at >= 0,
      () =>
        `${where} has other verdicts: found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`,
    )
    return candidates[at]!
  }

  #filesOf(where: string, entry: JournalEntry, verdicts: Verdicts): readonly CuratedFile[] {
    const { verdictsUri, quarantineUri } = entry
    must(
      (verdictsUri === undefined) === (verdicts.admitted.length === 0),
      () => `${where}: verdicts object ${verdictsUri}`,
    )
    must(
      (quarantineUri === undefined) === (verdicts.rejected.length === 0),
      () => `${where}: quarantine object ${quarantineUri}`,
    )
    if (quarantineUri !== undefined) {
      const bytes = this.#object(where, quarantineUri)
      this.#check(() => checkQuarantine(where, bytes, entry, verdicts))
    }
    if (verdictsUri === undefined) return []
    const decoded = decodeVerdicts(verdictsUri, this.#object(where, verdictsUri))
    const identities = identitiesOf(verdicts.admitted)
    must(
      Buffer.compare(decoded.identities, identities) === 0,
      () => `${where}: other identities were admitted than counted`,
    )
    mustEqual(
      [...decoded.arrivalMinutes],
      verdicts.admitted.map(({ arrivalMicros }) => minuteOf(arrivalMicros)),
      () => `${where}: arrival minutes`,
    )
    const files = decoded.files.map((file) => ({ file, bytes: this.#object(where, file.path) }))
    for (const { file, bytes } of files) {
      mustEqual(bytes.length, file.sizeBytes, () => `${where}: size of ${file.path}`)
    }
    this.#check(() => checkRows(where, entry.shard, files, verdicts.admitted))
    return decoded.files
  }

  #object(where: string, uri: string): Uint8Array {
    const bytes = this.#s3.object(uri)
    must(bytes !== undefined, () => `${where} names ${uri}, which is not there`)
    return bytes
  }

  #check(check: () => Promise<void>): void {
    check().catch(this.#fail)
  }
}

function arrivalOf(
  records: readonly AcceptedRecord<SentRecord>[],
  head: JournalEntry | undefined,
): JournalEntry['arrival'] {
  const stamps = records.map(({ arrivalMs }) => arrivalMs * 1000)
  const max = Math.max(...stamps)
  return {
    min: Math.min(...stamps),
    max,
    last: stamps.at(-1)!,
    greatest: Math.max(max, head?.arrival.greatest ?? max),
  }
}

function eventTimeOf(admitted: readonly AdmittedEvent[]): JournalEntry['eventTime'] {
  if (admitted.length === 0) return undefined
  const times = admitted.map(({ event }) => event.row!.atMicros)
  return { min: Math.min(...times), max: Math.max(...times) }
}

/** Each rejected event where it stood, as it was sent, with the version that rejected it. */
async function checkQuarantine(
  where: string,
  bytes: Uint8Array,
  { shard, contractVersion }: JournalEntry,
  { rejected }: Verdicts,
) {
  const rows = await decodeQuarantine(bytes)
  mustEqual(
    rows.map(({ sequence, index, arrivalMicros, text }) => [sequence, index, arrivalMicros, text]),
    rejected.map(({ sequence, index, arrivalMicros, text }) => [
      sequence,
      index,
      arrivalMicros,
      text,
    ]),
    () => `${where}: quarantine`,
  )
  const names = ['shard', 'contract_version'] as const
  const { columns } = await decodeParquet(bytes, names)
  for (const row of rejected.keys()) {
    const found = names.map((name) => plainAt(columns.get(name)!, row))
    mustEqual(found, [shard, contractVersion], () => `${where}: row ${row} of quarantine`)
  }
}

const COLUMNS = [
  'event_id',
  'event_source',
  'ingest_time',
  'ingest_shard',
  'ingest_sequence',
  'ingest_index',
  'at',
  'key',
  'amount',
] as const

/** The rows of an entry's files are its admitted events, each once, in order within a file. */
async function checkRows(
  where: string,
  shard: string,
  files: readonly { readonly file: CuratedFile; readonly bytes: Uint8Array }[],
  admitted: readonly AdmittedEvent[],
): Promise<void> {
  const expected = new Map<number, unknown[][]>()
  for (const { sequence, index, arrivalMicros, event } of admitted) {
    const { atMicros, key, cents, note = null } = event.row!
    const day = Math.floor(atMicros / 86_400_000_000)
    const rows = expected.get(day) ?? []
    const origin = [event.id, event.source, arrivalMicros, shard, sequence, index]
    rows.push([...origin, atMicros, key, cents, note])
    expected.set(day, rows)
  }
  must(files.length === expected.size, () => `${where} has ${files.length} files`)
  for (const { file, bytes } of files) {
    const hasNote = file.contractVersion !== '1.0.0'
    const names = hasNote ? [...COLUMNS, 'note'] : COLUMNS
    const { rows, columns } = await decodeParquet(bytes, names)
    const found = Array.from({ length: rows }, (_, row) =>
      names.map((name) => plainAt(columns.get(name)!, row)),
    )
    const day = Object.values(file.partition)[0] as number
    const wanted = expected.get(day)?.map((row) => row.slice(0, names.length))
    mustEqual(found, wanted, () => `${where}: rows of ${file.path}`)
    mustEqual(file.recordCount, rows, () => `${where}: count of ${file.path}`)
  }
}

function plainAt(column: Column, row: number): string | number | null {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'int64':
      return Number(column.values[row])
    case 'int32':
      return column.values[row]!
    default:
      throw new Error(`no such column is checked: ${column.kind}`)
  }
}

const { fields: FIELDS } = tableSchemaOf(DEPLOYMENTS.widened.current)

/** The rows of a curated file, as text, whatever version wrote it. */
export async function rowsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const { rows, columns } = await decodeFields(bytes, FIELDS)
  return Array.from({ length: rows }, (_, row) =>
    JSON.stringify([...COLUMNS, 'note'].map((name) => plainAt(columns.get(name)!, row))),
  )
}
