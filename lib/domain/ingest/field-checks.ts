import type { Field } from '#lib/domain/contract/contract.ts'
import { compilePattern } from '#lib/domain/contract/pattern.ts'
import { compareScalars, readLiteral, type Scalar } from '#lib/domain/contract/scalar.ts'
import { STRING_FORMATS } from '#lib/domain/contract/string-format.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** What a value of the right type can be wrong in. */
export type CheckProblem =
  | 'tooShort'
  | 'tooLong'
  | 'pattern'
  | 'format'
  | 'notAllowed'
  | 'belowMinimum'
  | 'aboveMaximum'
  | 'notMultiple'

export interface FieldCheck {
  readonly problem: CheckProblem
  fails(value: Scalar): boolean
}

/** The constraints of a field that holds one value, in the order in which they are looked at. */
export function checksOf(field: Field): readonly FieldCheck[] {
  const { constraints, type } = field
  const { minimum, maximum, minLength, maxLength, pattern, format, multipleOf, values } =
    constraints
  const literal = (text: string): Scalar => {
    const reading = readLiteral(type, text)
    if ('value' in reading) return reading.value
    throw new PlatformError('contract.invalid', `"${text}" is no value of field "${field.name}"`)
  }
  const checks: FieldCheck[] = []
  const check = (problem: CheckProblem, fails: (value: Scalar) => boolean) =>
    checks.push({ problem, fails })
  if (minLength !== undefined) check('tooShort', (value) => lengthOf(value) < minLength)
  if (maxLength !== undefined) check('tooLong', (value) => lengthOf(value) > maxLength)
  if (pattern !== undefined) {
    const compiled = compilePattern(pattern)
    if (!compiled.ok) throw new PlatformError('contract.invalid', compiled.problem)
    check('pattern', (value) => !compiled.pattern.test(value as string))
  }
  if (format !== undefined) {
    const { accepts } = STRING_FORMATS[format]
    check('format', (value) => !accepts(value as string))
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
  if (multipleOf !== undefined) {
    const step = literal(multipleOf) as bigint
    check('notMultiple', (value) => (value as bigint) % step !== 0n)
  }
  return checks
}

/** In code points, as JSON Schema counts. */
function lengthOf(value: Scalar): number {
  let length = 0
  for (const _ of value as string) length++
  return length
}
