import type { Contract } from '#lib/domain/contract/contract.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import { declaredSchema } from '../declared-schema.ts'
import { type EnvelopeReason, readEnvelope } from '../envelope.ts'
import { type RowReader, type RowReading, rowReader } from '../read-row.ts'
import type { Value } from './field-columns.ts'

/** What the slow decoder says about one event. */
export interface EventVerdict {
  /** Where the envelope could be read that far. */
  readonly id?: string
  readonly source?: string
  /** Members of `data` that the contract does not know. */
  readonly unknownNames: readonly string[]
  readonly row: RowReading
}

/** A refusal in the slow decoder's words. */
export interface Refusal {
  readonly reason: string
  readonly detail: string
}

/**
 * The slow decoder's parts, for what the fast one meets rarely: whole events, single values, and the words of
 * every refusal, which are taken from it and never written twice.
 */
export class Verdicts {
  /** Whether this contract judges an event that declares such a `dataschema`; absent, it judges all. */
  readonly judges: Judges | undefined
  readonly #contract: Contract
  readonly #reader: RowReader
  readonly #fields: (RowReader | undefined)[] = []
  readonly #words = new Map<string, Refusal>()
  readonly #contentTypes = new Map<string, boolean>()

  constructor(contract: Contract, judges: Judges | undefined) {
    this.judges = judges
    this.#contract = contract
    this.#reader = rowReader(contract)
  }

  /** The whole event by the slow decoder. */
  ofEvent(text: string): EventVerdict {
    const envelope = readEnvelope(text, this.#contract.eventType)
    const { id, source } = envelope
    const known = {
      ...(id === undefined ? {} : { id }),
      ...(source === undefined ? {} : { source }),
    }
    if (!envelope.ok) {
      const { reason, detail } = envelope
      return { ...known, unknownNames: [], row: { ok: false, reason, detail } }
    }
    const unknownNames = this.#reader.unknownNames(envelope.data)
    return { ...known, unknownNames, row: this.#reader.read(envelope.data) }
  }

  /** What the event declares, if another contract judges it therefore. */
  judgedElsewhere(text: string): string | undefined {
    if (this.judges === undefined) return undefined
    const declared = declaredSchema(text)
    return declared === undefined || this.judges(declared) ? undefined : declared
  }

  /** One value by its JSON text; `undefined` is an absent member. */
  ofField(index: number, text: string | undefined): RowReading {
    const field = this.#contract.fields[index]!
    let reader = this.#fields[index]
    if (reader === undefined) {
      reader = rowReader({ ...this.#contract, fields: [field], rowRules: [] })
      this.#fields[index] = reader
    }
    return reader.read(text === undefined ? {} : { [field.name]: this.#sentValue(text) })
  }

  /** As the slow decoder's parser gives it: numbers with their digits. */
  #sentValue(text: string): unknown {
    const first = text[0]!
    if (first === '-' || (first >= '0' && first <= '9')) return new NumberText(text)
    if (first !== '{' && first !== '[') return JSON.parse(text)
    // Deeper values only its own parser knows how to read.
    const { eventType } = this.#contract
    const head = `{"specversion":"1.0","id":"i","source":"s","type":${JSON.stringify(eventType)}`
    const envelope = readEnvelope(`${head},"data":{"value":${text}}}`, eventType)
    return envelope.ok ? envelope.data.value : JSON.parse(text)
  }

  /** How the slow decoder words this refusal of this event; its words depend on the reason alone. */
  refusal(reason: EnvelopeReason | `rule:${string}`, text: () => string): Refusal {
    const known = this.#words.get(reason)
    if (known !== undefined) return known
    const { row } = this.ofEvent(text())
    if (row.ok || row.reason !== reason) {
      throw new Error(`the decoders disagree about ${reason}`)
    }
    this.#words.set(reason, { reason, detail: row.detail })
    return { reason, detail: row.detail }
  }

  /**
   * What the contract does not know, in the slow decoder's order and form, of some members of `data` in their order:
   * those that it does not know, and those that it knows, with their text, for what may stand inside them.
   */
  unknownNames(members: ReadonlyMap<string, string | null>): string[] {
    const data = Array.from(members, ([name, text]): [string, unknown] => [
      name,
      text === null ? null : this.#sentValue(text),
    ])
    return this.#reader.unknownNames(Object.fromEntries(data))
  }

  /** Whether there are such names inside the value of a field. */
  hasUnknownInside(index: number, text: string): boolean {
    const members = new Map([[this.#contract.fields[index]!.name, text]])
    return this.unknownNames(members).length > 0
  }

  /** Whether this is a content type that an event may have. */
  acceptsContentType(contentType: string): boolean {
    let accepts = this.#contentTypes.get(contentType)
    if (accepts === undefined) {
      const event = {
        specversion: '1.0',
        id: 'i',
        source: 's',
        type: this.#contract.eventType,
        datacontenttype: contentType,
        data: {},
      }
      accepts = readEnvelope(JSON.stringify(event), this.#contract.eventType).ok
      if (this.#contentTypes.size < MAX_REMEMBERED) this.#contentTypes.set(contentType, accepts)
    }
    return accepts
  }
}

export type Judges = (dataschema: string) => boolean

const MAX_REMEMBERED = 64

/** The value of a reading of one field. */
export function onlyValue(reading: RowReading & { readonly ok: true }): Value | null {
  return reading.values[0] ?? null
}
