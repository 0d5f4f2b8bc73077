import type { Contract } from '#lib/domain/contract/contract.ts'
import type { EnvelopeReason } from '../envelope.ts'
import { MAX_EVENT_BYTES, MAX_IDENTITY_BYTES } from '../envelope.ts'
import type { Engine } from './engine.ts'
import type { FieldColumn } from './field-columns.ts'
import type { FieldPlan } from './field-plan.ts'
import { BROKEN } from './json-walk.ts'
import { KeyTable } from './key-table.ts'
import { onlyValue, type Refusal, type Verdicts } from './verdicts.ts'

/** What {@link AnyOrder.read} found out about the event it read last. */
export interface AnyOrderOutcome {
  /**
   * `elsewhere`: another contract judges it. `ask`: well-formed, but so unusual that the slow decoder must judge it.
   */
  verdict: 'accepted' | 'rejected' | 'elsewhere' | 'ask'
  refusal: Refusal | undefined
  /** Whether the envelope's identity could be read: then it stands in the row. */
  hasId: boolean
  hasSource: boolean
  unknownNames: readonly string[]
  /** Of an event that another contract judges. */
  declared: string | undefined
  /** Equal for events of one layout, and hardly ever for others. */
  signature: number
}

/** Reads events whose members come in any order and with any spacing. */
export interface AnyOrder {
  readonly outcome: AnyOrderOutcome
  /** The place behind the event, which was read into the row; negative if it is no JSON, or nests too deep. */
  read(at: number, row: number): number
}

const ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'datacontenttype', 'data', 'dataschema']
const [SPEC_VERSION, ID, SOURCE, TYPE, CONTENT_TYPE, DATA, DATA_SCHEMA] = [0, 1, 2, 3, 4, 5, 6]
const REQUIRED_ATTRIBUTES = 0b101111
/** They belong to a layout with their value. */
const CONSTANT_ATTRIBUTES = [SPEC_VERSION, TYPE, CONTENT_TYPE, DATA_SCHEMA]

const QUOTE = 0x22
const COLON = 0x3a
const COMMA = 0x2c
const OPEN = 0x7b
const CLOSE = 0x7d
const NULL = 0x6c6c756e

/** How far a field of the event has been read. */
const ABSENT = 0
const READ = 1
const IS_NULL = 2
/** Left to the slow decoder's reader of this one field. */
const ODD = 3

export function anyOrder(
  contract: Contract,
  plans: readonly FieldPlan[],
  engine: Engine,
  verdicts: Verdicts,
): AnyOrder {
  const { memory, walk } = engine
  const { bytes, view } = memory
  const attributes = new KeyTable(ATTRIBUTES)
  const names = new KeyTable(plans.map(({ field }) => field.name))
  const constants = new KeyTable(['1.0', contract.eventType, 'application/json'])
  const isRequired = Uint8Array.from(plans, ({ field }) => (field.required ? 1 : 0))
  const isNested = Uint8Array.from(plans, ({ storage }) => (storage === 'value' ? 1 : 0))
  const states = new Uint8Array(plans.length)
  const oddStarts = new Int32Array(plans.length)
  const oddEnds = new Int32Array(plans.length)
  let signature = 0
  let isTwice = false
  let isElsewhere = false
  /** Members in which there may be names that the contract does not know, with the text of those that it does. */
  let members = new Map<string, string | null>()
  const outcome: AnyOrderOutcome = {
    verdict: 'accepted',
    refusal: undefined,
    hasId: false,
    hasSource: false,
    unknownNames: [],
    declared: undefined,
    signature: 0,
  }

  function read(start: number, row: number): number {
    if (members.size > 0) members = new Map()
    isTwice = false
    isElsewhere = false
    signature = 0
    outcome.hasId = false
    outcome.hasSource = false
    outcome.unknownNames = []
    outcome.refusal = undefined
    outcome.declared = undefined
    const isObject = bytes[start] === OPEN
    const end = isObject ? readEnvelope(start, row) : walk.value(start, 0)
    if (end < 0) return end
    outcome.signature = signature
    if (isTwice || isElsewhere) {
      outcome.verdict = isTwice ? 'ask' : 'elsewhere'
      return end
    }
    const reason =
      end - start > MAX_EVENT_BYTES ? 'event.tooLarge' : isObject ? fault() : 'event.notObject'
    if (reason !== undefined) refuse(reason, start, end)
    else judgeRow(start, end, row)
    return end
  }

  // What the envelope said, one bit per attribute.
  let seen = 0
  let good = 0

  function readEnvelope(start: number, row: number): number {
    seen = 0
    good = 0
    states.fill(ABSENT)
    let at = walk.space(start + 1)
    if (bytes[at] === CLOSE) return at + 1
    for (;;) {
      if (bytes[at] !== QUOTE) return BROKEN
      const spaceBefore = at
      at = walk.string(at + 1)
      if (at < 0) return at
      const attribute = attributes.find(memory, memory.stringStart, memory.stringLength)
      const code = attribute < 0 ? 16 + memory.stringLength : attribute
      at = walk.space(at)
      if (bytes[at] !== COLON) return BROKEN
      const value = walk.space(at + 1)
      at = attribute < 0 ? walk.value(value, 1) : readAttribute(attribute, value, row)
      if (at < 0) return at
      const isConstant = CONSTANT_ATTRIBUTES.includes(attribute)
      mix(code | ((isConstant ? at - value : 0) << 12) | ((value - spaceBefore) << 20))
      at = walk.space(at)
      if (bytes[at] === CLOSE) return at + 1
      if (bytes[at] !== COMMA) return BROKEN
      const comma = at
      at = walk.space(at + 1)
      mix(at - comma)
    }
  }

  function readAttribute(attribute: number, at: number, row: number): number {
    const bit = 1 << attribute
    if ((seen & bit) !== 0) isTwice = true
    seen |= bit
    if (attribute === DATA) {
      if (bytes[at] !== OPEN) return walk.value(at, 1)
      good |= bit
      return readData(at, row)
    }
    if (bytes[at] !== QUOTE) {
      if (attribute === CONTENT_TYPE && view.getInt32(at, true) === NULL) good |= bit
      return walk.value(at, 1)
    }
    const end = walk.string(at + 1)
    if (end < 0) return end
    const { stringStart, stringLength } = memory
    if (attribute === ID || attribute === SOURCE) {
      if (memory.isUnicode && stringLength > 0 && stringLength <= MAX_IDENTITY_BYTES) {
        good |= bit
        const column: FieldColumn = attribute === ID ? engine.id : engine.source
        column.storeText(memory, row, stringStart, stringLength)
      }
      return end
    }
    if (attribute === DATA_SCHEMA) {
      if (verdicts.judges !== undefined) {
        const declared: string = JSON.parse(memory.text(at, end))
        isElsewhere = !verdicts.judges(declared)
        if (isElsewhere) outcome.declared = declared
      }
      good |= bit
      return end
    }
    if (!memory.isUnicode) return end
    const constant = constants.find(memory, stringStart, stringLength)
    if (attribute === SPEC_VERSION) {
      if (constant === 0) good |= bit
    } else if (attribute === TYPE) {
      if (constant === 1 || isEventType(stringStart, stringLength)) good |= bit
    } else if (
      constant === 2 ||
      verdicts.acceptsContentType(memory.text(stringStart, stringStart + stringLength))
    ) {
      good |= bit
    }
    return end
  }

  function readData(start: number, row: number): number {
    let at = walk.space(start + 1)
    if (bytes[at] === CLOSE) return at + 1
    for (;;) {
      if (bytes[at] !== QUOTE) return BROKEN
      const key = at
      at = walk.string(at + 1)
      if (at < 0) return at
      const name = memory.stringStart
      const nameLength = memory.stringLength
      const field = names.find(memory, name, nameLength)
      if (field < 0) members.set(nameOf(key, at), null)
      at = walk.space(at)
      if (bytes[at] !== COLON) return BROKEN
      const value = walk.space(at + 1)
      at = field < 0 ? walk.value(value, 2) : readField(field, value, row)
      if (at < 0) return at
      if (field >= 0 && isNested[field] === 1) members.set(fieldName(field), memory.text(value, at))
      mix((field + 1) | ((field < 0 ? nameLength : 0) << 10) | ((value - key - nameLength) << 20))
      const after = walk.space(at)
      if (bytes[after] === CLOSE) return after + 1
      if (bytes[after] !== COMMA) return BROKEN
      at = walk.space(after + 1)
      if (at !== after + 1) mix(at - after)
    }
  }

  function readField(field: number, at: number, row: number): number {
    if (view.getInt32(at, true) === NULL) {
      states[field] = IS_NULL
      return at + 4
    }
    const end = engine.value(field, at, row)
    if (end >= 0) {
      const c = bytes[end]!
      if (c === COMMA || c === CLOSE || walk.space(end) !== end) {
        states[field] = READ
        return end
      }
    }
    const oddEnd = walk.value(at, 2)
    states[field] = ODD
    oddStarts[field] = at
    oddEnds[field] = oddEnd
    return oddEnd
  }

  /** The first thing that is wrong with the envelope, in the slow decoder's order. */
  function fault(): EnvelopeReason | undefined {
    outcome.hasId = (good & (1 << ID)) !== 0
    outcome.hasSource = (good & (1 << SOURCE)) !== 0
    const bad = (REQUIRED_ATTRIBUTES | (seen & (1 << CONTENT_TYPE))) & ~good
    if (bad === 0) return undefined
    if ((bad & (1 << SPEC_VERSION)) !== 0) return 'event.specVersion'
    if ((bad & (1 << ID)) !== 0) return 'event.id'
    if ((bad & (1 << SOURCE)) !== 0) return 'event.source'
    if ((bad & (1 << TYPE)) !== 0) return 'event.eventType'
    return (bad & (1 << CONTENT_TYPE)) !== 0 ? 'event.contentType' : 'event.data'
  }

  function judgeRow(start: number, end: number, row: number): void {
    if (members.size > 0) outcome.unknownNames = verdicts.unknownNames(members)
    for (let field = 0; field < states.length; field++) {
      const state = states[field]
      if (state === READ) continue
      if (state !== ODD && isRequired[field] === 0) {
        engine.clear(field, row)
        continue
      }
      const text =
        state === ABSENT
          ? undefined
          : state === IS_NULL
            ? 'null'
            : memory.text(oddStarts[field]!, oddEnds[field]!)
      const reading = verdicts.ofField(field, text)
      if (!reading.ok) {
        outcome.verdict = 'rejected'
        outcome.refusal = reading
        return
      }
      engine.columns[field]!.store(row, onlyValue(reading))
    }
    const broken = engine.rules(row)
    if (broken < 0) outcome.verdict = 'accepted'
    else refuse(`rule:${contract.rowRules[broken]!.name}`, start, end)
  }

  function refuse(reason: EnvelopeReason | `rule:${string}`, start: number, end: number): void {
    outcome.verdict = 'rejected'
    outcome.refusal = verdicts.refusal(reason, () => memory.text(start, end))
  }

  function isEventType(start: number, length: number): boolean {
    return memory.text(start, start + length) === contract.eventType
  }

  /** The name whose key ends here, and was read last. */
  function nameOf(key: number, end: number): string {
    // Without a UTF-8 form it is what the slow decoder's parser makes of it.
    if (!memory.isUnicode) return JSON.parse(memory.text(key, end))
    return memory.text(memory.stringStart, memory.stringStart + memory.stringLength)
  }

  function fieldName(field: number): string {
    return plans[field]!.field.name
  }

  function mix(code: number): void {
    signature = Math.imul(signature ^ code, 0x9e3779b1)
    signature ^= signature >>> 15
  }

  return { outcome, read }
}
