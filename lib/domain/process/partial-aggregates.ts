import type { Contract } from '#lib/domain/contract/contract.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { aggregateOf } from './aggregates/aggregate-of.ts'
import { NO_GROUP } from './aggregates/grouped-rows.ts'
import type { ViewDefinition } from './view.ts'
import { windowOf } from './window.ts'

/** What one curated file adds to one (key, window). */
export interface PartialAggregates {
  readonly key: string
  readonly windowStart: Micros
  /** By aggregate name, as its algebra has it. */
  readonly states: Readonly<Record<string, unknown>>
}

/** Aggregates a curated file by key and window, reading only the columns that the view needs. */
export async function partialAggregates(
  view: ViewDefinition,
  contract: Contract,
  file: Uint8Array,
): Promise<readonly PartialAggregates[]> {
  const algebras = view.aggregates.map((definition) => aggregateOf(definition, contract))
  const fields = algebras.flatMap((algebra) => algebra.columns)
  const needed = new Set([view.key, contract.eventTime, ...fields])
  // The file may be older than the contract, or newer: its columns are found by their ids.
  const columns = tableSchemaOf(contract).fields.filter((field) => needed.has(field.name))
  const batch = await decodeFields(file, columns)
  const keys = batch.columns.get(view.key)!
  const times = batch.columns.get(contract.eventTime) as Extract<Column, { kind: 'int64' }>
  const scale = scaleOfKey(contract, view.key)

  const groups = new Map<string, { key: string; windowStart: Micros; at: number }>()
  const groupOfRow = new Int32Array(batch.rows).fill(NO_GROUP)
  for (let row = 0; row < batch.rows; row++) {
    if (isNull(keys, row)) continue // A row without the key belongs to no key.
    const key = keyText(keys, row, scale)
    const { start } = windowOf(view.window, Number(times.values[row]!))
    const id = `${start}/${key}`
    const group = groups.get(id) ?? { key, windowStart: start, at: groups.size }
    groupOfRow[row] = group.at
    groups.set(id, group)
  }
  const states = algebras.map((algebra) => algebra.addBatch(batch, groupOfRow, groups.size))
  return [...groups.values()].map(({ key, windowStart, at }) => ({
    key,
    windowStart,
    states: Object.fromEntries(view.aggregates.map(({ name }, i) => [name, states[i]![at]])),
  }))
}

function scaleOfKey(contract: Contract, name: string): number {
  const type = contract.fields.find((field) => field.name === name)?.type
  return type?.kind === 'decimal' ? type.scale : 0
}

function keyText(column: Column, row: number, scale: number): string {
  switch (column.kind) {
    case 'utf8':
      return utf8At(column, row)
    case 'int64':
      return new Decimal(column.values[row]!, scale).toString()
    case 'boolean':
      return column.values[row] === 1 ? 'true' : 'false'
    case 'struct':
    case 'list':
      throw new PlatformError('view.invalid', `a ${column.kind} cannot be a key`)
    default:
      return String(column.values[row])
  }
}
