import { type Column, type ColumnBatch, isNull, utf8Column } from '#lib/domain/kernel/columns.ts'
import type {
  IcebergType,
  PrimitiveType,
  TableField,
  TableSchema,
} from '#lib/domain/lake/schema.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'

const PRIMITIVES: readonly PrimitiveType[] = [
  'int',
  'long',
  'double',
  'boolean',
  'string',
  'date',
  'timestamptz',
  'decimal(9, 2)',
  'decimal(18, 6)',
]
const DOUBLES = [Number.NaN, 0, -0, Number.MIN_VALUE, -Number.MAX_VALUE, 1 / 0, -1 / 0, 0.1]
const TEXTS = [
  '',
  ' ',
  '\u0000',
  '\uffff',
  '🚕',
  'é'.repeat(90),
  '\u{10ffff}'.repeat(80),
  '\ufeffbom',
]
const MIN_LONG = -(2n ** 63n)

interface Range {
  readonly extremes: readonly bigint[]
  readonly step: bigint
}

/** The least and the greatest that engines have as well, and how far the others lie apart. */
const INTEGERS: Readonly<Partial<Record<PrimitiveType, Range>>> = {
  int: { extremes: [-(2n ** 31n), 2n ** 31n - 1n], step: 1_001n },
  date: { extremes: [-719_162n, 2_932_896n], step: 3n },
  long: { extremes: [MIN_LONG, -MIN_LONG - 1n, 2n ** 32n, -1n], step: 5_000_000_019n },
  timestamptz: {
    extremes: [-62_135_596_800_000_000n, 253_402_300_799_999_999n],
    step: 61_000_001n,
  },
  'decimal(9, 2)': { extremes: [-999_999_999n, 999_999_999n], step: 1n },
  'decimal(18, 6)': { extremes: [1n - 10n ** 18n, 10n ** 18n - 1n], step: 977n },
}

/** A table of a random schema: any types, nested or not, few or many different values, any share of nulls. */
export function randomTable(
  rows: number,
  random: Random,
): { schema: TableSchema; batch: ColumnBatch } {
  const maker = new TableMaker(random)
  const fields = Array.from({ length: 1 + maker.below(6) }, () => maker.field(0))
  const columns = fields.map((field): [string, Column] => [
    field.name,
    maker.column(field, rows, undefined),
  ])
  return { schema: { fields }, batch: { rows, columns: new Map(columns) } }
}

class TableMaker {
  readonly #random: Random
  #lastId = 0

  constructor(random: Random) {
    this.#random = random
  }

  below(most: number): number {
    return Math.floor(this.#random() * most)
  }

  field(depth: number): TableField {
    const id = ++this.#lastId
    return { id, name: `c${id}`, required: this.below(3) === 0, type: this.#type(depth) }
  }

  #type(depth: number): IcebergType {
    const kind = depth < 3 ? this.below(depth === 0 ? 5 : 3) : 7
    if (kind === 0) {
      const fields = Array.from({ length: 1 + this.below(3) }, () => this.field(depth + 1))
      return { type: 'struct', fields }
    }
    if (kind === 1) {
      const element = this.field(depth + 1)
      return {
        type: 'list',
        'element-id': element.id,
        element: element.type,
        'element-required': element.required,
      }
    }
    return PRIMITIVES[this.below(PRIMITIVES.length)]!
  }

  /** Null at least where what it belongs to is. */
  column({ type, required }: TableField, rows: number, missing: Uint8Array | undefined): Column {
    const rate = required ? 0 : [0, 0.1, 0.9, 1][this.below(4)]!
    const nulls = new Uint8Array(rows)
    for (let row = 0; row < rows; row++) {
      nulls[row] = missing?.[row] === 1 || this.#random() < rate ? 1 : 0
    }
    const withNulls = nulls.includes(1) ? { nulls } : {}
    if (typeof type === 'string') return this.#flat(type, rows, withNulls.nulls)
    if (type.type === 'struct') {
      const fields = type.fields.map((field): [string, Column] => [
        field.name,
        this.column(field, rows, nulls),
      ])
      return { kind: 'struct', rows, fields: new Map(fields), ...withNulls }
    }
    const offsets = new Int32Array(rows + 1)
    const longest = [0, 1, 4, 40][this.below(4)]!
    for (let row = 0; row < rows; row++) {
      offsets[row + 1] = offsets[row]! + (nulls[row] === 1 ? 0 : this.below(longest + 1))
    }
    const element = {
      id: 0,
      name: 'element',
      required: type['element-required'],
      type: type.element,
    }
    return {
      kind: 'list',
      offsets,
      elements: this.column(element, offsets[rows]!, undefined),
      ...withNulls,
    }
  }

  #flat(type: PrimitiveType, rows: number, nulls: Uint8Array | undefined): Column {
    const different = [1, 2, 3, 17, rows, 100 * rows][this.below(6)]!
    const run = [1, 1, 40][this.below(3)]!
    const numbers = new Float64Array(rows)
    for (let row = 0; row < rows; row++) {
      numbers[row] = row % run > 0 ? numbers[row - 1]! : this.below(different)
    }
    const extreme = this.below(2) === 0
    const withNulls = nulls === undefined ? {} : { nulls }
    switch (type) {
      case 'double':
        return {
          kind: 'float64',
          values: numbers.map((n) => (extreme && n < DOUBLES.length ? DOUBLES[n]! : n / 8)),
          ...withNulls,
        }
      case 'boolean':
        return { kind: 'boolean', values: Uint8Array.from(numbers, (n) => n % 2), ...withNulls }
      case 'string':
        return utf8Column(
          Array.from(numbers, (n, row) => {
            if (nulls?.[row] === 1) return null
            return extreme && n < TEXTS.length ? TEXTS[n]! : `text ${n * 0x9e3779b1}`
          }),
        )
    }
    const { extremes, step } = INTEGERS[type]!
    const value = (n: number) => {
      if (extreme && n < extremes.length) return extremes[n]!
      return (BigInt(n) * (n % 2 === 0 ? step : -step)) % (extremes[1]! + 1n)
    }
    if (type === 'int' || type === 'date') {
      return {
        kind: 'int32',
        values: Int32Array.from(numbers, (n) => Number(value(n))),
        ...withNulls,
      }
    }
    return { kind: 'int64', values: BigInt64Array.from(Array.from(numbers, value)), ...withNulls }
  }
}

/** All rows as plain values: texts as their bytes, one character each, so that any bytes can be told apart. */
export function rowsOf(batch: ColumnBatch): readonly unknown[] {
  return Array.from({ length: batch.rows }, (_, row) =>
    [...batch.columns.values()].map((column) => plainAt(column, row)),
  )
}

function plainAt(column: Column, row: number): unknown {
  if (isNull(column, row)) return null
  switch (column.kind) {
    case 'utf8':
      return Buffer.from(
        column.bytes.subarray(column.offsets[row], column.offsets[row + 1]),
      ).toString('latin1')
    case 'struct':
      return [...column.fields.values()].map((field) => plainAt(field, row))
    case 'list': {
      const [start, end] = [column.offsets[row]!, column.offsets[row + 1]!]
      return Array.from({ length: end - start }, (_, i) => plainAt(column.elements, start + i))
    }
    default:
      return column.values[row]
  }
}
