import type { Field } from '#lib/domain/contract/contract.ts'
import { type Column, type ColumnBatch, utf8At } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { type Aggregate, EXACT } from './aggregate.ts'
import { fieldValues, type StateValue } from './field-values.ts'
import { columnOf, groupsOfValues } from './grouped-rows.ts'
import { compareInt64, compareUtf8, firstRows, NO_ROW, type RowOrder } from './row-order.ts'
import {
  countFromStored,
  integerFromStored,
  integerToStored,
  readStored,
  type StoredForm,
  writeStored,
} from './stored-state.ts'

/** A value, and where it stands: no two rows have one place, so that one of them is always first. */
export interface PlacedValue {
  /** Event time, UTC micros. */
  readonly at: bigint
  readonly shard: string
  readonly sequence: string
  readonly index: number
  readonly value: StateValue
}

const SHARD = 'ingest_shard'
const SEQUENCE = 'ingest_sequence'
const INDEX = 'ingest_index'
/** Time, a shard's 128 characters, a sequence number of 3 + 128 digits, index, quotes and commas. */
const PLACE_BYTES = 320

/**
 * The value of the row that is first or last by event time; of rows at one instant, by shard, sequence number and
 * index. Rows without a value are passed over.
 */
export function byEventTimeAggregate(
  name: string,
  field: Field,
  eventTime: string,
  which: 'first' | 'last',
): Aggregate<PlacedValue | null> {
  const values = fieldValues(field)
  const sign = which === 'first' ? 1 : -1
  const form = formOf(`${which}/1`, values)
  return {
    columns: [field.name, eventTime, SHARD, SEQUENCE, INDEX],
    create: () => null,
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const times = columnOf(batch, eventTime)
      const present = groupsOfValues(times, groupsOfValues(column, groups))
      const place = placesOf(batch, times)
      const rows = firstRows(place.order, present, groupCount, sign)
      return Array.from(rows, (row) =>
        row === NO_ROW ? null : { ...place.at(row), value: values.at(column, row) },
      )
    },
    merge(a, b) {
      if (a === null || b === null) return a ?? b
      return sign * comparePlaces(a, b) <= 0 ? a : b
    },
    finish: (state) => (state === null ? null : values.finish(state.value)),
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    maxStoredBytes: PLACE_BYTES + values.maxStoredBytes,
    resultType: values.type,
    error: EXACT,
  }
}

function formOf(
  tag: string,
  values: ReturnType<typeof fieldValues>,
): StoredForm<PlacedValue | null> {
  return {
    tag,
    write(state) {
      if (state === null) return []
      const { at, shard, sequence, index, value } = state
      return [integerToStored(at), shard, sequence, index, values.toStored(value)]
    },
    readers: {
      [tag](parts) {
        if (parts.length === 0) return null
        const [shard, sequence] = [parts[1], parts[2]]
        const at = integerFromStored(parts[0])
        const index = countFromStored(parts[3])
        const value = values.fromStored(parts[4])
        if (at === undefined || index === undefined || value === undefined) return undefined
        if (typeof shard !== 'string' || typeof sequence !== 'string') return undefined
        return { at, shard, sequence, index, value }
      },
    },
  }
}

function placesOf(batch: ColumnBatch, times: Column) {
  const shards = columnOf(batch, SHARD)
  const sequences = columnOf(batch, SEQUENCE)
  const indexes = columnOf(batch, INDEX)
  if (
    times.kind !== 'int64' ||
    shards.kind !== 'utf8' ||
    sequences.kind !== 'utf8' ||
    indexes.kind !== 'int32'
  ) {
    throw new PlatformError('view.invalid', 'a place is a time, a shard, a sequence and an index')
  }
  const byTime = compareInt64(times.values)
  const byShard = compareUtf8(shards)
  const bySequence = compareUtf8(sequences)
  const order: RowOrder = (left, right) =>
    byTime(left, right) ||
    byShard(left, right) ||
    bySequence(left, right) ||
    indexes.values[left]! - indexes.values[right]!
  const at = (row: number) => ({
    at: times.values[row]!,
    shard: utf8At(shards, row),
    sequence: utf8At(sequences, row),
    index: indexes.values[row]!,
  })
  return { order, at }
}

/** Shards and sequence numbers are ASCII: their order as texts is that of their bytes. */
function comparePlaces(a: PlacedValue, b: PlacedValue): number {
  if (a.at !== b.at) return a.at < b.at ? -1 : 1
  if (a.shard !== b.shard) return a.shard < b.shard ? -1 : 1
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1
  return a.index - b.index
}
