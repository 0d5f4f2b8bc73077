import type { Contract } from '#lib/domain/contract/contract.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { Value } from '#lib/domain/contract/value.ts'
import { columnOf } from '#lib/domain/ingest/build-column.ts'
import type { Column, ColumnBatch } from '#lib/domain/kernel/columns.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { tripsContract } from '../cost/setting.ts'

/** A row as a program has it that does not know columns. */
export interface Reading {
  readonly group: number
  readonly at: bigint
  /** Cents. */
  readonly amount: bigint
  readonly count: number
  readonly speed: number
  readonly device: string
}

export interface Load {
  readonly contract: Contract
  readonly batch: ColumnBatch
  readonly groupOfRow: Int32Array
  readonly groups: number
  readonly rows: readonly Reading[]
}

const EPOCH = 1_546_300_800_000_000n

/** Amounts and speeds of a long tail, small counts, a few thousand devices; all from a seed. */
export function readings(size: { readonly rows: number; readonly groups: number }): Load {
  const random = seededRandom(1)
  const rows = Array.from({ length: size.rows }, (_, i): Reading => {
    return {
      group: Math.floor(random() * size.groups),
      at: EPOCH + BigInt((i * 7919) % size.rows) * 1_000_000n,
      amount: BigInt(Math.floor(100 / (1 - random()))),
      count: Math.floor(random() * 40),
      speed: Math.exp(random() * 8),
      device: `device-${Math.floor(80 / (1 - 0.98 * random()))}`,
    }
  })
  const contract = contractOfReadings()
  const values: Readonly<Record<string, (row: Reading, position: number) => Value>> = {
    at: (row) => row.at,
    amount: (row) => row.amount,
    count: (row) => BigInt(row.count),
    speed: (row) => row.speed,
    device: (row) => row.device,
    ingest_shard: () => 'shardId-000000000000',
    ingest_sequence: (_, position) => `056${'4'.repeat(50)}${100_000 + position}`,
    ingest_index: () => 0n,
  }
  const columns = tableSchemaOf(contract).fields.flatMap(({ name, type }): [string, Column][] => {
    const value = values[name]
    return value === undefined ? [] : [[name, columnOf(type, rows.map(value))]]
  })
  return {
    contract,
    batch: { rows: rows.length, columns: new Map(columns) },
    groupOfRow: Int32Array.from(rows, (row) => row.group),
    groups: size.groups,
    rows,
  }
}

function contractOfReadings(): Contract {
  const field = { required: true, description: '', personal: false, constraints: {} }
  return {
    ...tripsContract(),
    eventTime: 'at',
    fields: [
      { ...field, id: 10, name: 'at', type: { kind: 'timestamp' } },
      { ...field, id: 11, name: 'amount', type: { kind: 'decimal', precision: 18, scale: 2 } },
      { ...field, id: 12, name: 'count', type: { kind: 'int' } },
      { ...field, id: 13, name: 'speed', type: { kind: 'double' } },
      {
        ...field,
        id: 14,
        name: 'device',
        type: { kind: 'string' },
        constraints: { maxLength: 20 },
      },
    ],
  }
}
