import type { Engine } from './engine.ts'
import type { FieldPlan } from './field-plan.ts'
import type { Layout, Step } from './layout.ts'
import type { Verdicts } from './verdicts.ts'

/** Longer events make longer code than they are worth. */
const MAX_SAMPLE_BYTES = 32 * 1024

/** A member of an object, as places in the memory. */
interface Member {
  readonly name: string
  /** Its key's quote, the place behind the key, its value, the place behind that. */
  readonly key: number
  readonly keyEnd: number
  readonly value: number
  readonly end: number
}

/** The layout of an event that was accepted; `undefined` if it is not worth one. */
export function learnLayout(
  engine: Engine,
  plans: readonly FieldPlan[],
  verdicts: Verdicts,
  start: number,
  end: number,
): Layout | undefined {
  if (end - start > MAX_SAMPLE_BYTES) return undefined
  return new Lesson(engine, plans, verdicts, start).layout(end)
}

class Lesson {
  readonly #engine: Engine
  readonly #plans: ReadonlyMap<string, FieldPlan>
  readonly #verdicts: Verdicts
  readonly #start: number
  readonly #steps: Step[] = []
  /** Bytes from here on belong to the next literal. */
  #from: number

  constructor(engine: Engine, plans: readonly FieldPlan[], verdicts: Verdicts, start: number) {
    this.#engine = engine
    this.#plans = new Map(plans.map((plan) => [plan.field.name, plan]))
    this.#verdicts = verdicts
    this.#start = start
    this.#from = start
  }

  layout(end: number): Layout | undefined {
    let unknownNames: readonly string[] | undefined = []
    for (const member of this.#members(this.#start)) {
      switch (member.name) {
        case 'specversion':
        case 'type':
        case 'datacontenttype':
        case 'dataschema':
          break // constants: their bytes are part of the literal
        case 'id':
        case 'source':
          this.#literalTo(member.value + 1)
          this.#put({ kind: 'identity', name: member.name }, member.end)
          break
        case 'data':
          unknownNames = this.#readData(this.#members(member.value))
          break
        default:
          this.#skip(member)
      }
    }
    if (unknownNames === undefined) return undefined
    this.#literalTo(end)
    return { steps: this.#steps, unknownNames }
  }

  #readData(members: readonly Member[]): readonly string[] | undefined {
    const first = members[0]
    // Of a member that comes twice the last counts, which the code for one that may be absent does not know.
    if (new Set(members.map(({ name }) => name)).size < members.length) return undefined
    const absent = this.#absentFields(members)
    for (const [position, member] of members.entries()) {
      const plan = this.#plans.get(member.name)
      if (plan === undefined) this.#skip(member)
      else this.#readField(plan, member, member === first)
      // An optional field that this event lacks is expected where the contract has it.
      for (const missing of absent.get(position) ?? []) {
        const key = this.#keyLike(missing, members)
        this.#steps.push({ kind: 'field', plan: missing, key })
      }
    }
    const unknown = members.filter(({ name }) => !this.#plans.has(name))
    return unknown.length === 0
      ? []
      : this.#verdicts.unknownNames(new Map(unknown.map(({ name }) => [name, null])))
  }

  #readField(plan: FieldPlan, member: Member, isFirst: boolean): void {
    if (plan.field.required || isFirst) {
      this.#literalTo(member.value)
      this.#put({ kind: 'field', plan }, member.end)
    } else {
      const key = this.#bytes(this.#from, member.value)
      this.#put({ kind: 'field', plan, key }, member.end)
    }
  }

  #skip({ value, end }: Member): void {
    const isString = this.#engine.memory.bytes[value] === 0x22
    this.#literalTo(isString ? value + 1 : value)
    this.#put({ kind: 'skip', isString }, end)
  }

  /** Absent optional fields, each behind the member that comes before it in the contract. */
  #absentFields(members: readonly Member[]): Map<number, FieldPlan[]> {
    const absent = new Map<number, FieldPlan[]>()
    const positions = new Map(members.map(({ name }, position) => [name, position]))
    let after = 0
    for (const [name, plan] of this.#plans) {
      after = positions.get(name) ?? after
      if (!positions.has(name)) absent.set(after, [...(absent.get(after) ?? []), plan])
    }
    return absent
  }

  /** The key of an absent field with the spacing of the others. */
  #keyLike(plan: FieldPlan, members: readonly Member[]): Uint8Array {
    const second = members[1] ?? members[0]!
    const before = members[1] === undefined ? ',' : this.#text(members[0]!.end, second.key)
    const between = this.#text(second.keyEnd, second.value)
    return Buffer.from(`${before}${JSON.stringify(plan.field.name)}${between}`)
  }

  #literalTo(end: number): void {
    const bytes = this.#bytes(this.#from, end)
    if (bytes.length > 0) this.#steps.push({ kind: 'literal', bytes })
    this.#from = end
  }

  #put(step: Step, end: number): void {
    this.#steps.push(step)
    this.#from = end
  }

  /** The members of an object that is known to be well-formed. */
  #members(open: number): Member[] {
    const { memory, walk } = this.#engine
    const members: Member[] = []
    let at = walk.space(open + 1)
    while (memory.bytes[at] === 0x22) {
      const key = at
      const keyEnd = walk.value(at, 0)
      const value = walk.space(walk.space(keyEnd) + 1)
      const end = walk.value(value, 0)
      members.push({ name: JSON.parse(this.#text(key, keyEnd)), key, keyEnd, value, end })
      at = walk.space(end)
      if (memory.bytes[at] === 0x2c) at = walk.space(at + 1)
    }
    return members
  }

  #text(start: number, end: number): string {
    return this.#engine.memory.text(start, end)
  }

  #bytes(start: number, end: number): Uint8Array {
    return Uint8Array.from(this.#engine.memory.bytes.subarray(start, end))
  }
}
