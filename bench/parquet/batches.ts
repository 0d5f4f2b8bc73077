import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { concatBatches } from '#lib/domain/kernel/concat-columns.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import type { TableSchema } from '#lib/domain/lake/schema.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { lambdaRecords, tripsContract } from '../decode/trips.ts'

const EVENTS_PER_DECODE = 20_000

export interface Table {
  readonly schema: TableSchema
  readonly batch: ColumnBatch
}

/** What is written, and how many times in a row, so that a clock can tell. */
export const CASES = {
  trips: {
    what: '100,000 trips, 24 columns, as the decoder makes them',
    table: () => trips(100_000),
    times: 1,
  },
  batch: {
    what: '2,000 of them, as many as an invocation has',
    table: () => trips(2_000),
    times: 20,
  },
  nested: {
    what: '50,000 orders with a struct and a list of structs, two lines each',
    table: () => orders(50_000),
    times: 1,
  },
} satisfies Record<string, { what: string; table: () => Table; times: number }>

export type Case = keyof typeof CASES

/** Trips as the archive has them: real ones, drawn with replacement, in columns straight from the decoder. */
function trips(rows: number): Table {
  const contract = tripsContract()
  const shard = 'shardId-000000000000'
  const decoder = createDecoder(contract)
  const batches: ColumnBatch[] = []
  for (let first = 0; first < rows; first += EVENTS_PER_DECODE) {
    const records = lambdaRecords('batch', Math.min(EVENTS_PER_DECODE, rows - first), 42 + first)
    const { batch } = decoder.decodeRecords(records, { shard })
    // The decoder may use its memory again.
    batches.push(concatBatches([batch]))
  }
  return { schema: tableSchemaOf(contract), batch: concatBatches(batches) }
}

/** A sorted column in ten row groups. */
export function writeManyGroups(): Uint8Array {
  const rows = 100_000
  const schema: TableSchema = { fields: [{ id: 1, name: 'n', required: true, type: 'int' }] }
  const values = Int32Array.from({ length: rows }, (_, n) => n)
  const batch: ColumnBatch = { rows, columns: new Map([['n', { kind: 'int32', values }]]) }
  return encodeParquet(schema, batch, { rowsPerGroup: rows / 10 }).bytes
}

/** Orders with a customer, who may be unknown, and some lines. */
function orders(rows: number): Table {
  const schema: TableSchema = {
    fields: [
      { id: 1, name: 'order_id', required: true, type: 'string' },
      { id: 2, name: 'placed_at', required: true, type: 'timestamptz' },
      {
        id: 3,
        name: 'customer',
        required: false,
        type: {
          type: 'struct',
          fields: [
            { id: 4, name: 'country', required: true, type: 'string' },
            { id: 5, name: 'age', required: false, type: 'int' },
          ],
        },
      },
      {
        id: 6,
        name: 'lines',
        required: false,
        type: {
          type: 'list',
          'element-id': 7,
          'element-required': true,
          element: {
            type: 'struct',
            fields: [
              { id: 8, name: 'sku', required: true, type: 'string' },
              { id: 9, name: 'price', required: false, type: 'decimal(18, 2)' },
            ],
          },
        },
      },
    ],
  }
  const random = seededRandom(42)
  const below = (most: number) => Math.floor(random() * most)
  const lengths = Array.from({ length: rows }, () => below(5))
  const offsets = new Int32Array(rows + 1)
  for (const [row, length] of lengths.entries()) offsets[row + 1] = offsets[row]! + length
  const lines = offsets[rows]!
  const unknown = Uint8Array.from({ length: rows }, () => (below(10) === 0 ? 1 : 0))
  const countries = ['DE', 'FR', 'IT', 'NL', 'PL', 'SE']
  const batch: ColumnBatch = {
    rows,
    columns: new Map<string, Column>([
      ['order_id', utf8Column(lengths.map(() => `${below(2 ** 31)}-${below(2 ** 31)}`))],
      [
        'placed_at',
        {
          kind: 'int64',
          values: BigInt64Array.from(
            lengths,
            (_, i) => 1_767_225_600_000_000n + BigInt(i * 10_007 + below(5_000)),
          ),
        },
      ],
      [
        'customer',
        {
          kind: 'struct',
          rows,
          nulls: unknown,
          fields: new Map<string, Column>([
            [
              'country',
              utf8Column(lengths.map((_, row) => (unknown[row] ? null : countries[below(6)]!))),
            ],
            [
              'age',
              {
                kind: 'int32',
                values: Int32Array.from(lengths, () => 18 + below(70)),
                nulls: unknown,
              },
            ],
          ]),
        },
      ],
      [
        'lines',
        {
          kind: 'list',
          offsets,
          elements: {
            kind: 'struct',
            rows: lines,
            fields: new Map<string, Column>([
              ['sku', utf8Column(Array.from({ length: lines }, () => `sku-${below(5_000)}`))],
              [
                'price',
                {
                  kind: 'int64',
                  values: BigInt64Array.from({ length: lines }, () => BigInt(below(100_000))),
                  nulls: Uint8Array.from({ length: lines }, () => (below(20) === 0 ? 1 : 0)),
                },
              ],
            ]),
          },
        },
      ],
    ]),
  }
  return { schema, batch }
}
