import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { compilePattern } from '#lib/domain/contract/pattern.ts'
import { type RowCheck, rowCheck } from '#lib/domain/contract/row-rule.ts'
import {
  compareScalars,
  NumberText,
  type ReadProblem,
  readLiteral,
  type Scalar,
  scalarReader,
} from '#lib/domain/contract/scalar.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { member } from './envelope.ts'

/** What a field can be wrong in; the last part of its reason code. */
export type FieldProblem =
  | ReadProblem
  | 'missing'
  | 'tooShort'
  | 'tooLong'
  | 'pattern'
  | 'notAllowed'
  | 'belowMinimum'
  | 'aboveMaximum'

export type RowReading =
  | { readonly ok: true; readonly values: readonly (Scalar | null)[] }
  | { readonly ok: false; readonly reason: string; readonly detail: string }

/** The contract's fields and row rules, prepared. */
export interface RowReader {
  /** Values by field position. The first field in contract order that is wrong decides, then the rules. */
  read(data: Readonly<Record<string, unknown>>): RowReading
  /** Members that the contract does not know, cut to a readable length. */
  unknownNames(data: Readonly<Record<string, unknown>>): string[]
}

const MAX_NAME_LENGTH = 64

type FieldCheck = { readonly problem: FieldProblem; fails(value: Scalar): boolean }

export function rowReader(contract: Contract): RowReader {
  const names = new Set(contract.fields.map((field) => field.name))
  const fields = contract.fields.map((field) => ({
    field,
    readValue: scalarReader(field.type),
    checks: checksOf(field),
  }))
  const rules: { name: string; passes: RowCheck }[] = contract.rowRules.map((rule) => ({
    name: rule.name,
    passes: rowCheck(rule, contract.fields),
  }))
  return {
    read(data) {
      const values: (Scalar | null)[] = []
      for (const { field, readValue, checks } of fields) {
        const sent = member(data, field.name)
        if (sent === undefined || sent === null) {
          if (field.required) return wrong(field, 'missing', sent)
          values.push(null)
          continue
        }
        const reading = readValue(sent)
        if ('problem' in reading) return wrong(field, reading.problem, sent)
        const failed = checks.find((check) => check.fails(reading.value))
        if (failed !== undefined) return wrong(field, failed.problem, sent)
        values.push(reading.value)
      }
      const broken = rules.find((rule) => !rule.passes(values))
      if (broken === undefined) return { ok: true, values }
      const detail = `the row breaks the rule ${broken.name}`
      return { ok: false, reason: `rule:${broken.name}`, detail }
    },
    unknownNames(data) {
      const unknown = Object.keys(data).filter((name) => !names.has(name))
      return unknown.map((name) => name.toWellFormed().slice(0, MAX_NAME_LENGTH))
    },
  }
}

/** A field's constraints in the order in which they are looked at. */
function checksOf(field: Field): FieldCheck[] {
  const { constraints, type } = field
  const { minimum, maximum, minLength, maxLength, pattern, values } = constraints
  const literal = (text: string): Scalar => {
    const reading = readLiteral(type, text)
    if ('value' in reading) return reading.value
    throw new PlatformError('contract.invalid', `"${text}" is no value of field "${field.name}"`)
  }
  const checks: FieldCheck[] = []
  const check = (problem: FieldProblem, fails: (value: Scalar) => boolean) =>
    checks.push({ problem, fails })
  if (minLength !== undefined) check('tooShort', (value) => lengthOf(value) < minLength)
  if (maxLength !== undefined) check('tooLong', (value) => lengthOf(value) > maxLength)
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern)
    if (!compiled.ok) throw new PlatformError('contract.invalid', compiled.problem)
    check('pattern', (value) => !compiled.pattern.test(value as string))
  }
  if (values !== undefined) {
    const allowed = new Set(values.map((value) => literal(String(value))))
    check('notAllowed', (value) => !allowed.has(value))
  }
  if (minimum !== undefined) {
    const bound = literal(minimum)
    check('belowMinimum', (value) => compareScalars(value, bound) < 0)
  }
  if (maximum !== undefined) {
    const bound = literal(maximum)
    check('aboveMaximum', (value) => compareScalars(value, bound) > 0)
  }
  return checks
}

/** In code points, as JSON Schema counts. */
function lengthOf(value: Scalar): number {
  let length = 0
  for (const _ of value as string) length++
  return length
}

function wrong(field: Field, problem: FieldProblem, sent: unknown): RowReading {
  const { constraints } = field
  const expected: Readonly<Record<FieldProblem, string>> = {
    missing: 'is required',
    type: `must be a ${field.type.kind}`,
    notUnicode: 'has a lone surrogate and so no UTF-8 form',
    notInteger: 'must be a whole number',
    tooPrecise: 'has more fractional digits than are kept',
    outOfRange: `is beyond what a ${field.type.kind} of this field holds`,
    notDate: 'must be a date, YYYY-MM-DD',
    notTimestamp:
      field.type.kind === 'timestamp' && field.type.localZone !== undefined
        ? 'must be a local time without offset, YYYY-MM-DD HH:MM:SS'
        : 'must be an RFC 3339 time with offset',
    tooShort: `has fewer than ${constraints.minLength} characters`,
    tooLong: `has more than ${constraints.maxLength} characters`,
    pattern: `does not match ${constraints.pattern}`,
    notAllowed: 'is none of the allowed values',
    belowMinimum: `is below ${constraints.minimum}`,
    aboveMaximum: `is above ${constraints.maximum}`,
  }
  const came = sent === undefined || field.personal ? '' : `, came ${shown(sent)}`
  return {
    ok: false,
    reason: `${field.name}.${problem}`,
    detail: `${field.name} ${expected[problem]}${came}`,
  }
}

function shown(sent: unknown): string {
  if (sent instanceof NumberText) return cut(sent.text)
  if (Array.isArray(sent)) return 'a list'
  if (typeof sent === 'object' && sent !== null) return 'an object'
  return cut(JSON.stringify(sent))
}

function cut(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79).toWellFormed()}…` : text
}
