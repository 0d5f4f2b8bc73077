import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { type RowCheck, rowCheck } from '#lib/domain/contract/row-rule.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { member } from './envelope.ts'
import { fieldReader } from './read-field.ts'

export type RowReading =
  | { readonly ok: true; readonly values: readonly (Value | null)[] }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

/** The contract's fields and row rules, prepared. */
export interface RowReader {
  /** Values by field position. The first field in contract order that is wrong decides, then the rules. */
  read(data: Readonly<Record<string, unknown>>): RowReading
  /** Members that the contract does not know, each once, cut to a readable length; those of objects by their path. */
  unknownNames(data: Readonly<Record<string, unknown>>): string[]
}

export function rowReader(contract: Contract): RowReader {
  const fields = contract.fields.map((field) => ({ field, read: fieldReader(field) }))
  const rules: { name: string; passes: RowCheck }[] = contract.rowRules.map((rule) => ({
    name: rule.name,
    passes: rowCheck(rule, contract.fields),
  }))
  return {
    read(data) {
      const values: (Value | null)[] = []
      for (const { field, read } of fields) {
        const reading = read(member(data, field.name))
        if ('reason' in reading) return { ok: false, ...reading }
        values.push(reading.value)
      }
      // Rules compare fields that hold one value; what they name is never an object or an array.
      const broken = rules.find((rule) => !rule.passes(values as Parameters<RowCheck>[0]))
      if (broken === undefined) return { ok: true, values }
      const detail = `the row breaks the rule ${broken.name}`
      return { ok: false, reason: `rule:${broken.name}`, detail }
    },
    unknownNames(data) {
      const found = new Set<string>()
      collectUnknown(contract.fields, data, '', found)
      return [...found].map((name) => name.toWellFormed().slice(0, MAX_NAME_LENGTH))
    },
  }
}

const MAX_NAME_LENGTH = 64

function collectUnknown(
  fields: readonly Field[],
  data: Readonly<Record<string, unknown>>,
  prefix: string,
  found: Set<string>,
): void {
  const known = knownNames(fields)
  for (const name of Object.keys(data)) {
    const field = known.get(name)
    if (field === undefined) found.add(`${prefix}${name}`)
    else collectInside(field, data[name], `${prefix}${name}`, found)
  }
}

function collectInside(field: Field, sent: unknown, path: string, found: Set<string>): void {
  const { type } = field
  if (type.kind === 'struct' && typeof sent === 'object' && sent !== null) {
    if (!Array.isArray(sent)) collectUnknown(type.fields, sent as never, `${path}.`, found)
  } else if (type.kind === 'list' && Array.isArray(sent)) {
    for (const one of sent) collectInside(type.element, one, `${path}[]`, found)
  }
}

const namesOf = new WeakMap<readonly Field[], ReadonlyMap<string, Field>>()

function knownNames(fields: readonly Field[]): ReadonlyMap<string, Field> {
  const known = namesOf.get(fields)
  if (known !== undefined) return known
  const names = new Map(fields.map((field) => [field.name, field]))
  namesOf.set(fields, names)
  return names
}
