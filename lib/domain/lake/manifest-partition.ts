import { PlatformError } from '../kernel/errors.ts'
import type { DataFile, PartitionValue } from './data-file.ts'
import type { PartitionColumn } from './manifest-schema.ts'
import { partitionScalar, partitionValue } from './partition-value.ts'
import { decimalOf } from './schema.ts'
import {
  decimalSize,
  fromTwosComplement,
  lowerStringBound,
  type ScalarValue,
  singleValue,
  twosComplement,
  upperStringBound,
} from './single-value.ts'

/** What a manifest list says of one partition field. */
export interface PartitionSummary {
  readonly containsNull: boolean
  readonly containsNan: boolean | null
  readonly lowerBound: Uint8Array | null
  readonly upperBound: Uint8Array | null
}

/** A file and the partition that it belongs to. */
export type PartitionedFile = Pick<DataFile, 'path' | 'partition'>

/** The value of a file for a partition field, as Avro stores it. */
export function storedPartition(column: PartitionColumn, file: PartitionedFile): unknown {
  const value = scalar(column, file)
  if (value === null || !decimalOf(column.type)) return value
  return Buffer.from(twosComplement(value as bigint, decimalSize(column.type)))
}

/** Back to JSON's terms, from whatever the file's own schema said: also for transforms we do not write. */
export function partitionOf(stored: unknown): PartitionValue {
  if (stored === null || stored === undefined) return null
  if (typeof stored === 'bigint') return String(stored)
  if (stored instanceof Uint8Array) return String(fromTwosComplement(stored))
  return partitionValue(stored as string | number | boolean)
}

/** What a manifest list tells of all files in a manifest, so that a reader can skip it unread. */
export function summarizePartitions(
  columns: readonly PartitionColumn[],
  files: readonly PartitionedFile[],
): readonly PartitionSummary[] {
  return columns.map((column) => {
    const values = files.map((file) => scalar(column, file))
    const containsNull = values.includes(null)
    const containsNan = values.some((value) => Number.isNaN(value))
    const present = values.filter((value) => value !== null).filter((value) => !Number.isNaN(value))
    if (present.length === 0) {
      return { containsNull, containsNan, lowerBound: null, upperBound: null }
    }
    const sorted = present
      .map((value) => ({ value, bytes: singleValue(column.type, value) }))
      .sort((a, b) => order(a, b))
    const [low, high] = [sorted[0]!.bytes, sorted.at(-1)!.bytes]
    const text = column.type === 'string'
    const lower = text ? lowerStringBound(low) : low
    const upper = text ? upperStringBound(high) : high
    return {
      containsNull,
      containsNan,
      lowerBound: Buffer.from(lower),
      upperBound: upper ? Buffer.from(upper) : null,
    }
  })
}

interface Encoded {
  readonly value: ScalarValue
  readonly bytes: Uint8Array
}

function order(left: Encoded, right: Encoded): number {
  if (typeof left.value === 'string') return Buffer.compare(left.bytes, right.bytes)
  return left.value < right.value ? -1 : left.value > right.value ? 1 : 0
}

/** 64-bit values and decimals travel as digits and are compared as integers. */
function scalar({ name, type }: PartitionColumn, file: PartitionedFile): ScalarValue | null {
  const value = file.partition[name]
  if (value === undefined) {
    throw new PlatformError('lake.partitionMismatch', `${file.path} has no partition value ${name}`)
  }
  return value === null ? null : partitionScalar(type, value)
}
