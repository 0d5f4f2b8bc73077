import type { Bindings } from './bindings.ts'
import { emitMismatch } from './bindings.ts'
import { emitNull, emitValue, isQuoted, READ_STRING, readStringInto } from './emit-value.ts'
import type { FieldColumn } from './field-columns.ts'
import type { FieldPlan } from './field-plan.ts'
import type { Layout, Step } from './layout.ts'

/** Where the source of a layout writes to. */
export interface Target {
  readonly columns: readonly FieldColumn[]
  readonly id: FieldColumn
  readonly source: FieldColumn
  readonly maxIdentityBytes: number
}

/** The engine optimises no function beyond some size, and small ones sooner: so many members make one function. */
const MEMBERS_PER_FUNCTION = 16
/** Every generated function over `p` and `r` declares these. */
const REGISTERS = 'let s=0,v=0,x=0,n=0,e=0,d=0,g=false;const q=r<<1;'

/**
 * Source text of a function `event(p,r)`: reads the event at `p` into row `r` if it has this layout and keeps the
 * contract, and returns the place behind it; else -1. Refers to `rules(r)`.
 */
export function emitLayout(layout: Layout, target: Target, bindings: Bindings): string {
  const functions: string[] = []
  let body = ''
  let members = 0
  let literal: number[] = []
  const flush = () => {
    if (literal.length === 0) return
    body += `if(${emitMismatch(Uint8Array.from(literal), 'p')})return -1;p+=${literal.length};\n`
    literal = []
  }
  const close = () => {
    functions.push(`function part${functions.length}(p,r){${REGISTERS}\n${body}return p}`)
    body = ''
    members = 0
  }
  for (const step of layout.steps) {
    if (step.kind === 'literal') {
      literal.push(...step.bytes)
      continue
    }
    const quote = opensWithQuote(step)
    if (quote) literal.push(0x22)
    flush()
    body += `${emitStep(step, target, bindings)}\n`
    if (++members === MEMBERS_PER_FUNCTION) close()
  }
  flush()
  close()
  const calls = functions.map((_, i) => `p=part${i}(p,r);if(p<0)return -1;`)
  return `${functions.join('\n')}
function event(p,r){${calls.join('')}return rules(r)<0?p:-1}`
}

/**
 * Source text of a function `value(i,p,r)`: reads the value at `p` as field `i` of row `r`; -1 at anything
 * unusual. It is made of the same texts as the layouts, so that both read alike.
 */
export function emitValues(
  plans: readonly FieldPlan[],
  target: Target,
  bindings: Bindings,
): string {
  const functions: string[] = []
  for (let first = 0; first < plans.length; first += MEMBERS_PER_FUNCTION) {
    const cases = plans.slice(first, first + MEMBERS_PER_FUNCTION).map((plan) => {
      const quote = isQuoted(plan) ? 'if(b[p]!==34)return -1;p++;' : ''
      const column = target.columns[plan.index]!
      const isThere = plan.field.required ? '' : `${bindings.use(column.nulls)}[r]=0;`
      return `case ${plan.index}:{${quote}${emitValue(plan, column, bindings)}${isThere}return p}`
    })
    functions.push(
      `function values${functions.length}(i,p,r){${REGISTERS}switch(i){${cases.join('\n')}}return -1}`,
    )
  }
  const calls = functions.map(
    (_, i) => `if(i<${(i + 1) * MEMBERS_PER_FUNCTION})return values${i}(i,p,r);`,
  )
  const nulls = plans
    .filter((plan) => !plan.field.required)
    .map(
      (plan) => `case ${plan.index}:${emitNull(plan, target.columns[plan.index]!, bindings)}break;`,
    )
  return `${functions.join('\n')}
function value(i,p,r){${calls.join('')}return -1}
function clear(i,r){const q=r<<1;switch(i){${nulls.join('\n')}}}`
}

/** A required string's quote can be compared together with its key. */
function opensWithQuote(step: Exclude<Step, { kind: 'literal' }>): boolean {
  if (step.kind === 'identity') return false
  return (
    step.kind === 'field' &&
    step.key === undefined &&
    step.plan.field.required &&
    isQuoted(step.plan)
  )
}

function emitStep(
  step: Exclude<Step, { kind: 'literal' }>,
  target: Target,
  bindings: Bindings,
): string {
  switch (step.kind) {
    case 'maybe':
      return `if(!(${emitMismatch(step.bytes, 'p')}))p+=${step.bytes.length};`
    case 'identity': {
      const column = target[step.name]
      const { read, store } = readStringInto(column, bindings)
      return `${read}if(n===0||n>${target.maxIdentityBytes})return -1;${store}`
    }
    case 'skip':
      // 2: inside the event and perhaps its data; what nests deeper than both together is unusual.
      return step.isString ? READ_STRING : 'p=skip(p,2);if(p<0)return -1;'
    case 'field':
      return emitField(step.plan, step.key, target.columns[step.plan.index]!, bindings)
  }
}

function emitField(
  plan: FieldPlan,
  key: Uint8Array | undefined,
  column: FieldColumn,
  bindings: Bindings,
): string {
  const value = emitValue(plan, column, bindings)
  if (plan.field.required) return value
  const nothing = emitNull(plan, column, bindings)
  const quote = isQuoted(plan) ? 'if(b[p]!==34)return -1;p++;' : ''
  const present = `if(dv.getInt32(p,true)===0x6c6c756e){${nothing}p+=4}else{${quote}${value}${bindings.use(column.nulls)}[r]=0}`
  if (key === undefined) return present
  return `if(${emitMismatch(key, 'p')}){${nothing}}else{p+=${key.length};${present}}`
}
