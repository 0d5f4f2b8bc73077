import type { Contract } from '#lib/domain/contract/contract.ts'
import { SYSTEM_COLUMNS, tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { MAX_EVENT_DEPTH, MAX_IDENTITY_BYTES } from '../envelope.ts'
import { Bindings } from './bindings.ts'
import { ByteMemory } from './byte-memory.ts'
import { TWO_DIGITS } from './day-table.ts'
import { emitLayout, emitValues } from './emit-layout.ts'
import { emitRules } from './emit-rules.ts'
import { FieldColumn } from './field-columns.ts'
import { type FieldPlan, leastEventBytes } from './field-plan.ts'
import { type JsonWalk, jsonWalk } from './json-walk.ts'
import type { Layout } from './layout.ts'
import { NO_OFFSET, numberReaders } from './read-number.ts'
import { onlyValue, type Verdicts } from './verdicts.ts'

/** Reads the event at a place into a row: the place behind it, or -1 if it has another layout or a fault. */
export type ReadEvent = (at: number, row: number) => number

/**
 * Memory of some size, columns for as many events as fit, and the code generated for exactly this memory: its
 * arrays are constants of the code. More memory is another engine.
 */
export interface Engine {
  readonly memory: ByteMemory
  readonly walk: JsonWalk
  /** One per field of the contract. */
  readonly columns: readonly FieldColumn[]
  readonly id: FieldColumn
  readonly source: FieldColumn
  /** Reads the value at a place as this field of a row: the place behind it, or -1 at anything unusual. */
  value(field: number, at: number, row: number): number
  /** Makes a row have no value in this optional field. */
  clear(field: number, row: number): void
  /** The first rule that a complete row breaks; -1 if it breaks none. */
  rules(row: number): number
  compile(layout: Layout): ReadEvent
}

/** Whole micros in the last digit of a fraction of this many digits. */
const FRACTION = Int32Array.from([0, 100_000, 10_000, 1_000, 100, 10, 1])

/** A field's value stands in the event and in its data. */
const VALUE_DEPTH = 2
/** The row being read, and one to try things on. */
const SPARE_ROWS = 2

/** `before`: an engine that this one goes on from, with its first rows. Throws `EvalError` where the process does not allow code from strings. */
export function makeEngine(
  contract: Contract,
  plans: readonly FieldPlan[],
  verdicts: Verdicts,
  capacity: number,
  before?: { readonly engine: Engine; readonly rows: number },
): Engine {
  const memory = new ByteMemory(capacity)
  const walk = jsonWalk(memory, MAX_EVENT_DEPTH)
  const rows = Math.ceil(capacity / leastEventBytes(contract, plans)) + SPARE_ROWS
  const types = tableSchemaOf(contract).fields.slice(SYSTEM_COLUMNS.length)
  const columns = plans.map(({ storage, field }, i) => {
    const isOptional = !field.required
    const narrow = before?.engine.columns[i]
    return (
      narrow?.widened(isOptional, rows, capacity, before!.rows) ??
      new FieldColumn(storage, isOptional, rows, types[i]!.type, capacity)
    )
  })
  const [id, source] = (['id', 'source'] as const).map(
    (name) =>
      before?.engine[name].widened(false, rows, capacity, before.rows) ??
      new FieldColumn('utf8', false, rows, 'string', capacity),
  ) as [FieldColumn, FieldColumn]
  const target = { columns, id, source, maxIdentityBytes: MAX_IDENTITY_BYTES }
  const { double, longer, offset } = numberReaders(memory)
  const environment = {
    b: memory.bytes,
    dv: memory.view,
    M: memory,
    T2: TWO_DIGITS,
    FRACTION,
    NONE: NO_OFFSET,
    unescaped: walk.escapedString,
    characters: walk.characters,
    skip: walk.value,
    double,
    longer,
    offset,
    asked: askedReader(memory, walk, plans, columns, verdicts),
  }
  const bindings = new Bindings()
  const texts = [
    emitValues(plans, target, bindings),
    emitRules({ contract, plans, columns, bindings }),
    'return {value,clear,rules}',
  ]
  const generated = bindings.compile<Pick<Engine, 'value' | 'clear' | 'rules'>>(
    texts.join('\n'),
    environment,
  )
  return {
    memory,
    walk,
    columns,
    id,
    source,
    ...generated,
    compile(layout) {
      const own = new Bindings()
      const text = `${emitLayout(layout, target, own)}\nreturn event`
      return own.compile<ReadEvent>(text, { ...environment, rules: generated.rules })
    },
  }
}

/** Reads one value by the slow decoder: the place behind it, or -1. */
function askedReader(
  memory: ByteMemory,
  walk: JsonWalk,
  plans: readonly FieldPlan[],
  columns: readonly FieldColumn[],
  verdicts: Verdicts,
): (field: number, at: number, row: number) => number {
  return (field, at, row) => {
    const end = walk.value(at, VALUE_DEPTH)
    if (end < 0) return -1
    const text = memory.text(at, end)
    const reading = verdicts.ofField(field, text)
    if (!reading.ok) return -1
    // Names inside it that the contract does not know are counted among all of the event's.
    if (plans[field]!.storage === 'value' && verdicts.hasUnknownInside(field, text)) return -1
    columns[field]!.store(row, onlyValue(reading))
    return end
  }
}
