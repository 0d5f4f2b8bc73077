import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { isSealed, type SealedContract, sealedFields } from '#lib/domain/contract/stored-form.ts'
import type { DecodedRecords } from '#lib/domain/ingest/decoder/decoded-records.ts'
import { EventLines, type ReceivedEvents } from '#lib/domain/ingest/decoder/received-events.ts'
import type { RecordsPart, VersionedRecords } from '#lib/domain/ingest/decoder/versioned-decoder.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { NONCE_BYTES } from './cipher.ts'
import { GroupWriter } from './group-writer.ts'
import type { RandomBytes } from './key-table.ts'
import { sealRejected } from './open-rejected.ts'
import { nothing, tokenColumn, valueTexts } from './sealed-columns.ts'
import type { SubjectKey, SubjectKeys } from './subject-keys.ts'
import type { UnknownContent } from './unknown-content.ts'

/** What the archive seals with. */
export interface Sealing {
  readonly subjects: Pick<SubjectKeys, 'keysOf'>
  readonly unknown: Pick<UnknownContent, 'sealer'>
  readonly random: RandomBytes
}

/** Texts are read in words, also across their end. */
const SLACK_BYTES = 8

/** The rows of one contract by person. */
interface GroupedRows {
  readonly part: RecordsPart
  readonly stored: SealedContract
  /** Rows of each person, and of nobody. */
  readonly rowsOf: ReadonlyMap<string | undefined, readonly number[]>
  readonly keys: ReadonlyMap<string, SubjectKey | undefined>
}

/** Seals batches, one after another. What it returns lies in its memory and is valid until it is used again. */
export class RecordSealer {
  readonly #sealing: Sealing
  #out = Buffer.alloc(0)

  constructor(sealing: Sealing) {
    this.#sealing = sealing
  }

  /**
   * The batch as it may be stored: of each event what is personal, and what nobody knows, is sealed under the key of its
   * person, one operation for all of a person's events. An erased person's events lose it and are anonymous. Rejected
   * events may be anything: they are sealed as a whole, under the key of unknown content. Nothing is stored if a key
   * cannot be had: then it throws, retryable, and the batch waits.
   *
   * @param records judged by the contracts as events come
   * @param stored the contracts as they are stored
   */
  async seal(
    shard: string,
    records: VersionedRecords,
    stored: ContractsInForce,
  ): Promise<VersionedRecords> {
    const grouped: GroupedRows[] = []
    for (const part of records.parts) {
      const contract = storedOf(stored, part)
      if (isSealed(contract)) grouped.push(await groupedRows(this.#sealing, part, contract))
    }
    const hasNobody = grouped.some(({ rowsOf }) => rowsOf.has(undefined))
    const needsUnknown = hasNobody || records.rejected.length > records.received.stubs.size
    const sealUnknown = needsUnknown ? await this.#sealing.unknown.sealer() : undefined

    // From here on nothing waits: texts and columns lie in the decoder's memory.
    const { received } = records
    const lines = new EventLines()
    lines.beginLike(received)
    lines.reserve(received.length)
    lines.length = received.length
    lines.recordOf.set(received.recordOf.subarray(0, received.length))
    lines.indexOf.set(received.indexOf.subarray(0, received.length))
    for (const [line, stub] of received.stubs) lines.stubs.set(line, stub)
    const writer = new GroupWriter(received, lines, this.#roomFor(received))
    for (const { part, stored: contract, rowsOf, keys } of grouped) {
      writer.beginPart(shard, contract)
      // At once: asking for each costs as much as a short operation.
      const nonces = this.#sealing.random(NONCE_BYTES * rowsOf.size)
      let nonceAt = 0
      for (const [subject, rows] of rowsOf) {
        const own = rows.map((row) => part.lineOfRow[row]!)
        if (subject === undefined) writer.addOfNobody(own, sealUnknown!)
        else {
          const nonce = nonces.subarray(nonceAt, nonceAt + NONCE_BYTES)
          nonceAt += NONCE_BYTES
          writer.add(own, keys.get(subject), nonce)
        }
      }
    }
    for (const part of records.parts) {
      if (isSealed(storedOf(stored, part))) continue
      for (let row = 0; row < part.decoded.batch.rows; row++) writer.addAsItIs(part.lineOfRow[row]!)
    }
    for (const {
      line,
      reason,
      contractVersion,
      detail,
      eventId,
      eventSource,
    } of records.rejected) {
      if (received.stubs.has(line)) continue
      const place = received.placeOf(line)
      const text = received.bytes.subarray(received.starts[line], received.ends[line])
      const sealed = sealRejected(sealUnknown!, text, { shard, ...place })
      lines.starts[line] = 0
      lines.ends[line] = 0
      lines.stubs.set(line, {
        kind: 'stub',
        ...place,
        lengthBytes: text.length,
        sha256: '',
        reason,
        rejected: {
          detail,
          contractVersion: contractVersion ?? stored.named.version,
          ...(eventId === undefined ? {} : { eventId }),
          ...(eventSource === undefined ? {} : { eventSource }),
          sealed,
        },
      })
    }
    lines.bytes = this.#out
    const groupsOf = new Map(grouped.map((one) => [one.part, one]))
    return {
      ...records,
      received: lines,
      parts: records.parts.map((part) =>
        storedPart(part, storedOf(stored, part), groupsOf.get(part)),
      ),
    }
  }

  /** Untouched room costs nothing, but asking for it anew each time does. */
  #roomFor(received: ReceivedEvents): Buffer {
    const capacity = capacityFor(received)
    if (capacity > this.#out.length) this.#out = Buffer.allocUnsafeSlow(capacity)
    return this.#out
  }
}

async function groupedRows(
  { subjects }: Sealing,
  part: RecordsPart,
  stored: SealedContract,
): Promise<GroupedRows> {
  const { batch } = part.decoded
  const textOf = valueTexts(batch.columns.get(stored.subject)!)
  const rowsOf = new Map<string | undefined, number[]>()
  for (let row = 0; row < batch.rows; row++) {
    const subject = textOf(row)
    const rows = rowsOf.get(subject)
    if (rows === undefined) rowsOf.set(subject, [row])
    else rows.push(row)
  }
  const names = [...rowsOf.keys()].filter((name) => name !== undefined)
  const keys = await subjects.keysOf(stored.subject, names)
  return { part, stored, rowsOf, keys: new Map(names.map((name, i) => [name, keys[i]])) }
}

function storedOf(stored: ContractsInForce, { contract }: RecordsPart) {
  return stored.majors.find(({ version }) => version === contract.version)!
}

/** The part with the columns that are stored: as if its events were read as raw has them. */
function storedPart(
  part: RecordsPart,
  contract: ReturnType<typeof storedOf>,
  grouped: GroupedRows | undefined,
): RecordsPart {
  if (grouped === undefined) return { ...part, contract }
  const { batch } = part.decoded
  const { stored, rowsOf, keys } = grouped
  const hidden = new Set(sealedFields(stored))
  const columns = new Map<string, Column>()
  for (const [name, column] of batch.columns) if (!hidden.has(name)) columns.set(name, column)
  const tokens = new Array<string | undefined>(batch.rows)
  for (const [subject, rows] of rowsOf) {
    const token = subject === undefined ? undefined : keys.get(subject)?.token
    for (const row of rows) tokens[row] = token
  }
  const ordered = new Map<string, Column>()
  const types = new Map(stored.fields.map(({ name, type }) => [name, type]))
  for (const name of batch.columns.keys()) {
    if (!hidden.has(name)) ordered.set(name, columns.get(name)!)
    else if (name === stored.subject) ordered.set(name, tokenColumn(tokens))
    else ordered.set(name, nothing(types.get(name)!, batch.rows))
  }
  const sealedBatch: ColumnBatch = { rows: batch.rows, columns: ordered }
  return { ...part, contract, decoded: withBatch(part.decoded, sealedBatch) }
}

/** Property by property: those of an engine's result are its own, but a spread would not say so. */
function withBatch(decoded: DecodedRecords, batch: ColumnBatch): DecodedRecords {
  return { ...decoded, batch }
}

/** What raw keeps, at most: each text once in the clear and once sealed, a third longer; untouched, it costs nothing. */
function capacityFor({ length, starts, ends }: ReceivedEvents): number {
  let capacity = SLACK_BYTES
  for (let line = 0; line < length; line++)
    capacity += 3 * (ends[line]! - starts[line]!) + LINE_BYTES
  return capacity
}

/** Of a line: its token, and what sealing adds to it if its person has no other. */
const LINE_BYTES = 1024
