import type { Contract, Field, FieldType } from '#lib/domain/contract/contract.ts'
import { icebergType } from '#lib/domain/contract/table-columns.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { type Column, type ColumnBatch, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import type { PartitionSpec, TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import type { AggregateValue } from './aggregates/aggregate.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { columnValue } from './aggregates/column-value.ts'
import { KeyDictionary } from './key-dictionary.ts'
import { latenessOf } from './lateness.ts'
import { keyScaleOf, type ViewDefinition } from './view.ts'

/** A final result: a row of the view's feature table. One per key and window, whatever happened on the way. */
export interface FinalRow {
  readonly key: string
  readonly windowStart: Micros
  readonly windowEnd: Micros
  /** 0 at first; one more each time the row was replaced, because an event came after it. */
  readonly revision: number
  readonly computedAtMs: number
  /** By aggregate, in the order of the definition. */
  readonly values: readonly AggregateValue[]
}

const KEY_ID = 1
const START_ID = 2
/** Which the table is parted by. */
export const FEATURE_TIME_COLUMN = 'window_start'
const END_ID = 3
const REVISION_ID = 4
const COMPUTED_ID = 5
/** Each aggregate has a range of ids: its own, and those of what its value is made of. */
const FIRST_VALUE_ID = 100
const IDS_PER_VALUE = 50

/** Whether windows of the view become final ever: what is late for none of them, or has no end, does not. */
export function hasFeatureTable({ window }: ViewDefinition, contract: Contract): boolean {
  return latenessOf(contract) !== undefined && window.kind !== 'running'
}

/** `<product>_<view>`; another version of the view and another generation have tables of their own. */
export function featureTableName(
  product: string,
  { name, version = 1 }: ViewDefinition,
  generation?: string,
): string {
  const versioned = version === 1 ? name : `${name}_v${version}`
  const suffix = generation === undefined ? '' : `__${generation}`
  return `${product}_${versioned}${suffix}`.replaceAll('-', '_')
}

export function featureTableLocation({ bucket }: ProductLayout, { name }: TableName): string {
  return `s3://${bucket}/features/${name}`
}

export function featureTableSchema(view: ViewDefinition, contract: Contract): TableSchema {
  const key = contract.fields.find((field) => field.name === view.key)!
  const instant = (id: number, name: string, doc: string): TableField => {
    return { id, name, required: true, type: 'timestamptz', doc }
  }
  return {
    fields: [
      { id: KEY_ID, name: view.key, required: true, type: icebergType(key.type) },
      instant(START_ID, FEATURE_TIME_COLUMN, 'inclusive'),
      instant(END_ID, 'window_end', 'exclusive'),
      {
        id: REVISION_ID,
        name: 'revision',
        required: true,
        type: 'int',
        doc: 'how often the row was replaced since it was final first',
      },
      instant(COMPUTED_ID, 'computed_at', 'when the row was made'),
      ...view.aggregates.map((definition, at): TableField => {
        const id = FIRST_VALUE_ID + at * IDS_PER_VALUE
        const type = withIds(aggregateOf(definition, contract).resultType, id + 1)
        return { id, name: definition.name, required: false, type: icebergType(type) }
      }),
    ],
  }
}

/** By the day that a window starts on. */
export function featureTableSpec(): PartitionSpec {
  return {
    fields: [{ sourceId: START_ID, fieldId: 1000, name: 'window_start_day', transform: 'day' }],
  }
}

/** Gives the fields inside of a value ids, counting up from the first. */
function withIds(type: FieldType, first: number): FieldType {
  let next = first
  const numbered = (field: Field): Field => {
    const id = next++
    return { ...field, id, type: inside(field.type) }
  }
  const inside = (one: FieldType): FieldType => {
    if (one.kind === 'struct') return { ...one, fields: one.fields.map(numbered) }
    return one.kind === 'list' ? { ...one, element: numbered(one.element) } : one
  }
  return inside(type)
}

/** Rows as columns of the table, in the order given. */
export function encodeFinalRows(
  view: ViewDefinition,
  contract: Contract,
  rows: readonly FinalRow[],
): ColumnBatch {
  const { fields } = featureTableSchema(view, contract)
  const keyType = contract.fields.find((field) => field.name === view.key)!.type
  const system: ((row: FinalRow) => Value | null)[] = [
    (row) => keyValue(keyType, row.key),
    (row) => BigInt(row.windowStart),
    (row) => BigInt(row.windowEnd),
    (row) => row.revision,
    (row) => BigInt(row.computedAtMs) * 1000n,
  ]
  const columns = fields.map(({ name, type }, at): [string, Column] => {
    const ofSystem = system[at]
    if (ofSystem !== undefined) return [name, columnOf(type, rows.map(ofSystem))]
    const value = at - system.length
    const { resultType } = aggregateOf(view.aggregates[value]!, contract)
    return [
      name,
      columnOf(
        type,
        rows.map((row) => columnValue(row.values[value]!, resultType)),
      ),
    ]
  })
  return { rows: rows.length, columns: new Map(columns) }
}

/** Where the rows of a batch of the table belong. */
export function finalRowKeys(
  view: ViewDefinition,
  contract: Contract,
  { rows, columns }: ColumnBatch,
): readonly Pick<FinalRow, 'key' | 'windowStart' | 'windowEnd' | 'revision'>[] {
  const keys = new KeyDictionary(keyScaleOf(contract, view.key))
  const codes = keys.codesOf(columns.get(view.key)!, rows)
  const micros = (name: string) => (columns.get(name) as Extract<Column, { kind: 'int64' }>).values
  const [starts, ends] = [micros('window_start'), micros('window_end')]
  const revisions = (columns.get('revision') as Extract<Column, { kind: 'int32' }>).values
  return Array.from({ length: rows }, (_, row) => ({
    key: keys.text(codes[row]!),
    windowStart: Number(starts[row]!),
    windowEnd: Number(ends[row]!),
    revision: revisions[row]!,
  }))
}

/** Whether two rows of two batches hold the same values, whatever their revision and age. */
export function sameValues(
  view: ViewDefinition,
  a: { readonly batch: ColumnBatch; readonly row: number },
  b: typeof a,
): boolean {
  return view.aggregates.every(({ name }) => {
    const left = textOf(a.batch.columns.get(name)!, a.row)
    return left === textOf(b.batch.columns.get(name)!, b.row)
  })
}

/** The values of a row as texts, equal for equal values. */
export function valueTexts(
  { columns }: ColumnBatch,
  row: number,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, textOf(columns.get(name)!, row)]))
}

function textOf(column: Column, row: number): string {
  if (isNull(column, row)) return 'null'
  switch (column.kind) {
    case 'utf8':
      return JSON.stringify(utf8At(column, row))
    case 'struct':
      return `{${[...column.fields.values()].map((field) => textOf(field, row)).join(',')}}`
    case 'list': {
      const texts: string[] = []
      for (let at = column.offsets[row]!; at < column.offsets[row + 1]!; at++) {
        texts.push(textOf(column.elements, at))
      }
      return `[${texts.join(',')}]`
    }
    default:
      return String(column.values[row])
  }
}

function keyValue(type: FieldType, text: string): Value {
  switch (type.kind) {
    case 'int':
      return Number(text)
    case 'long':
      return BigInt(text)
    case 'decimal':
      // The text has all digits of the scale.
      return BigInt(text.replace('.', ''))
    case 'boolean':
      return text === 'true'
    default:
      return text
  }
}
