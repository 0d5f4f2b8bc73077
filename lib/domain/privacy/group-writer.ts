import { type SealedContract, sealedFields } from '#lib/domain/contract/stored-form.ts'
import type { EventLines, ReceivedEvents } from '#lib/domain/ingest/decoder/received-events.ts'
import { EventRedactor } from './event-redactor.ts'
import { boundToGroup, SEALED_ATTRIBUTE, type SealedGroup, sealGroup } from './sealed-group.ts'
import type { SubjectKey } from './subject-keys.ts'
import type { SealUnknown } from './unknown-content.ts'

const NULL = Buffer.from('null')
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const COMMA = 0x2c
const BEFORE_SEALED = Buffer.from(`,"${SEALED_ATTRIBUTE}":"`)
const BEHIND_SEALED = Buffer.from('"}')

/** Writes events as they may be stored, person by person; the ciphertext of a group stands in its last event. */
export class GroupWriter {
  readonly #received: ReceivedEvents
  readonly #lines: EventLines
  #out: Buffer
  #at = 0
  /** What is sealed of the group being written: a JSON list with one of each event. */
  #plain = Buffer.allocUnsafeSlow(4096)
  #plainAt = 0
  #isEmpty = true
  #redactor!: EventRedactor
  #fields: readonly string[] = []
  #product = ''
  #shard = ''

  /** @param out has room for three times the texts, and for a kilobyte per event */
  constructor(received: ReceivedEvents, lines: EventLines, out: Buffer) {
    this.#received = received
    this.#lines = lines
    this.#out = out
  }

  beginPart(shard: string, stored: SealedContract): void {
    this.#shard = shard
    this.#product = stored.product
    this.#fields = sealedFields(stored)
    const names = stored.fields.map(({ name }) => name)
    this.#redactor = new EventRedactor(names, this.#fields)
  }

  /** The events of one person, who was erased if there is no key. No other group has the nonce. */
  add(lines: readonly number[], key: SubjectKey | undefined, nonce: Uint8Array): void {
    const token = key === undefined ? undefined : Buffer.from(JSON.stringify(key.token))
    this.#redactAll(lines, token)
    if (key === undefined) return
    const group = this.#groupOf(lines, key.token)
    this.#append(lines, sealGroup(key, group, nonce, this.#plaintext()))
  }

  /** Events without a subject: nothing of them is sealed if nothing has to be. */
  addOfNobody(lines: readonly number[], seal: SealUnknown): void {
    this.#redactAll(lines, undefined)
    if (this.#isEmpty) return
    this.#append(lines, seal(this.#plaintext(), boundToGroup(this.#groupOf(lines, ''), 0)))
  }

  /** An event of a contract without personal fields. */
  addAsItIs(line: number): void {
    const { bytes, starts, ends } = this.#received
    const start = this.#at
    this.#at += bytes.copy(this.#out, start, starts[line], ends[line])
    this.#place(line, start)
  }

  #redactAll(lines: readonly number[], token: Uint8Array | undefined): void {
    const { bytes, starts } = this.#received
    const redactor = this.#redactor
    this.#plainAt = 0
    this.#isEmpty = true
    this.#plain[this.#plainAt++] = OPEN_LIST
    for (const line of lines) {
      const start = this.#at
      redactor.redact(bytes, starts[line]!, this.#out, start, token)
      this.#at = redactor.at
      this.#place(line, start)
      this.#addValues(line)
    }
  }

  #place(line: number, start: number): void {
    this.#lines.starts[line] = start
    this.#lines.ends[line] = this.#at
  }

  /** `[subject, value, …]`, and behind them what nobody knows, if there is any. */
  #addValues(line: number): void {
    const { bytes, starts, ends } = this.#received
    const { valueStarts, valueEnds, unknownData, unknownAttributes } = this.#redactor
    const fields = valueStarts.length
    this.#reserve(ends[line]! - starts[line]! + fields * (NULL.length + 1) + OTHERS_BYTES)
    const plain = this.#plain
    let at = this.#plainAt
    if (at > 1) plain[at++] = COMMA
    plain[at++] = OPEN_LIST
    for (let i = 0; i < fields; i++) {
      if (i > 0) plain[at++] = COMMA
      const start = valueStarts[i]!
      if (start < 0) {
        at += NULL.copy(plain, at)
      } else {
        const end = valueEnds[i]!
        for (let from = start; from < end; from++) plain[at++] = bytes[from]!
        this.#isEmpty &&= end - start === NULL.length && NULL.equals(bytes.subarray(start, end))
      }
    }
    this.#plainAt = at
    if (unknownData.length > 0 || unknownAttributes.length > 0) {
      this.#isEmpty = false
      this.#addMembers(',{"data":{', unknownData)
      this.#addMembers('},"event":{', unknownAttributes)
      this.#plainAt += plain.write('}}', this.#plainAt)
    }
    plain[this.#plainAt++] = CLOSE_LIST
  }

  #addMembers(before: string, places: readonly number[]): void {
    const { bytes } = this.#received
    this.#plainAt += this.#plain.write(before, this.#plainAt)
    for (let i = 0; i < places.length; i += 2) {
      if (i > 0) this.#plain[this.#plainAt++] = COMMA
      this.#plainAt += bytes.copy(this.#plain, this.#plainAt, places[i], places[i + 1])
    }
  }

  #plaintext(): Buffer {
    this.#reserve(1)
    this.#plain[this.#plainAt++] = CLOSE_LIST
    return this.#plain.subarray(0, this.#plainAt)
  }

  #groupOf(lines: readonly number[], token: string): SealedGroup {
    const { sequences, recordOf, indexOf } = this.#received
    const places = lines.map((line) => ({
      sequence: sequences[recordOf[line]!]!,
      index: indexOf[line]!,
    }))
    return { product: this.#product, shard: this.#shard, token, fields: this.#fields, places }
  }

  /** Into the event that was written last: in place of its closing brace. */
  #append(lines: readonly number[], sealed: Buffer): void {
    const out = this.#out
    let at = this.#at - 1
    at += BEFORE_SEALED.copy(out, at)
    at += out.write(sealed.toString('base64'), at, 'latin1')
    at += BEHIND_SEALED.copy(out, at)
    this.#at = at
    this.#lines.ends[lines.at(-1)!] = at
  }

  #reserve(bytes: number): void {
    const wanted = this.#plainAt + bytes + 1
    if (wanted <= this.#plain.length) return
    const wider = Buffer.allocUnsafeSlow(2 * wanted)
    this.#plain.copy(wider, 0, 0, this.#plainAt)
    this.#plain = wider
  }
}

/** What stands around members that nobody knows. */
const OTHERS_BYTES = 64
