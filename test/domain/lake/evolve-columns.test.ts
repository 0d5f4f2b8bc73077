import { describe, expect, it } from 'vitest'
import { type Column, type ColumnBatch, utf8Column } from '#lib/domain/kernel/columns.ts'
import { type Change, commit } from '#lib/domain/lake/commit.ts'
import { dataFile } from '#lib/domain/lake/data-file.ts'
import {
  withColumnMoved,
  withColumnOptional,
  withColumnRenamed,
  withColumnWidened,
  withoutColumn,
} from '#lib/domain/lake/evolve-columns.ts'
import { type Evolve, evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { newTableMetadata } from '#lib/domain/lake/new-table.ts'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import type { TableField, TableSchema } from '#lib/domain/lake/schema.ts'
import { createTableIfAbsent, type Lake, loadTable } from '#lib/domain/lake/table.ts'
import {
  currentSchemaJson,
  type TableMetadata,
  tableSchema,
} from '#lib/domain/lake/table-metadata.ts'
import { valueAt } from '#test/support/columns.ts'
import { LOCATION, memoryLake, NAME } from './lake-fixture.ts'

const field = (id: number, name: string, more: Partial<TableField> = {}): TableField => ({
  id,
  name,
  required: false,
  type: 'int',
  ...more,
})

const SCHEMA: TableSchema = {
  fields: [
    field(1, 'id', { required: true, type: 'string' }),
    field(2, 'count'),
    field(3, 'price', { type: 'decimal(9, 2)' }),
    field(4, 'rider', {
      type: { type: 'struct', fields: [field(5, 'age'), field(6, 'city', { type: 'string' })] },
    }),
    field(7, 'stops', {
      type: {
        type: 'list',
        'element-id': 8,
        'element-required': true,
        element: {
          type: 'struct',
          fields: [field(9, 'at'), field(10, 'note', { type: 'string' })],
        },
      },
    }),
  ],
}
const EMPTY = newTableMetadata(
  {
    location: LOCATION,
    schema: SCHEMA,
    spec: { fields: [{ sourceId: 2, fieldId: 1000, name: 'by_count', transform: 'bucket[4]' }] },
  },
  'uuid',
  0,
)

const namesOf = (metadata: TableMetadata, path: readonly number[] = []) => {
  let { fields } = tableSchema(currentSchemaJson(metadata))
  for (const id of path) {
    const { type } = fields.find((one) => one.id === id)!
    const inner = typeof type !== 'string' && type.type === 'list' ? type.element : type
    fields = (inner as { fields: readonly TableField[] }).fields
  }
  return fields.map(({ name }) => name)
}
const conflict = expect.objectContaining({ code: 'lake.schemaConflict' })

describe('columns that change', () => {
  it('get another name, wherever they stand', () => {
    expect(namesOf(withColumnRenamed(EMPTY, 2, 'amount'))[1]).toBe('amount')
    expect(namesOf(withColumnRenamed(EMPTY, 5, 'years'), [4])).toEqual(['years', 'city'])
    expect(namesOf(withColumnRenamed(EMPTY, 10, 'text'), [7])).toEqual(['at', 'text'])
    expect(withColumnRenamed(EMPTY, 2, 'count')).toBe(EMPTY)
    expect(namesOf(withColumnRenamed(EMPTY, 2, 'Count'))[1]).toBe('Count')
  })

  it('do not get a name that a neighbour has, nor none', () => {
    expect(() => withColumnRenamed(EMPTY, 2, 'PRICE')).toThrow(conflict)
    expect(() => withColumnRenamed(EMPTY, 2, '')).toThrow(conflict)
    // Another struct's field is no neighbour.
    expect(namesOf(withColumnRenamed(EMPTY, 5, 'count'), [4])).toEqual(['count', 'city'])
  })

  it('go, but not those that rows are parted by, nor the last one of a struct', () => {
    const without = withoutColumn(EMPTY, 4)

    expect(namesOf(without)).toEqual(['id', 'count', 'price', 'stops'])
    expect(namesOf(withoutColumn(EMPTY, 9), [7])).toEqual(['note'])
    expect(without['last-column-id']).toBe(10)
    expect(() => withoutColumn(EMPTY, 2)).toThrow(/rows are parted by it/)
    expect(() => withoutColumn(withoutColumn(EMPTY, 9), 10)).toThrow(conflict)
    expect(() => withoutColumn({ ...EMPTY, schemas: [identified(3)] }, 3)).toThrow(conflict)
    expect(() => withoutColumn({ ...EMPTY, schemas: [identified(5)] }, 4)).toThrow(conflict)
  })

  const identified = (id: number) => ({ ...EMPTY.schemas[0]!, 'identifier-field-ids': [id] })

  it('move', () => {
    expect(namesOf(withColumnMoved(EMPTY, 3, 'first'))).toEqual([
      'price',
      'id',
      'count',
      'rider',
      'stops',
    ])
    expect(namesOf(withColumnMoved(EMPTY, 1, { after: 4 }))).toEqual([
      'count',
      'price',
      'rider',
      'id',
      'stops',
    ])
    expect(namesOf(withColumnMoved(EMPTY, 6, { before: 5 }), [4])).toEqual(['city', 'age'])
    expect(() => withColumnMoved(EMPTY, 6, { before: 1 })).toThrow(
      expect.objectContaining({ code: 'lake.unknownField' }),
    )
  })

  it('get wider and never narrower types', () => {
    const typeOf = (metadata: TableMetadata, at: number) =>
      currentSchemaJson(metadata).fields[at]!.type

    expect(typeOf(withColumnWidened(EMPTY, 2, 'long'), 1)).toBe('long')
    expect(typeOf(withColumnWidened(EMPTY, 3, 'decimal(18, 2)'), 2)).toBe('decimal(18, 2)')
    expect(withColumnWidened(EMPTY, 3, 'decimal(9, 2)')).toBe(EMPTY)
    for (const [id, type] of [
      [2, 'double'],
      [2, 'string'],
      [3, 'decimal(8, 2)'],
      [3, 'decimal(18, 3)'],
      [4, 'long'],
    ] as const) {
      expect(() => withColumnWidened(EMPTY, id, type)).toThrow(conflict)
    }
  })

  it('become optional', () => {
    expect(currentSchemaJson(withColumnOptional(EMPTY, 1)).fields[0]!.required).toBe(false)
    expect(withColumnOptional(EMPTY, 2)).toBe(EMPTY)
  })

  it('keep what others noted at them, and types that Weir does not write', () => {
    const [first, ...rest] = EMPTY.schemas[0]!.fields
    const map = {
      type: 'map',
      'key-id': 21,
      key: 'string',
      'value-id': 22,
      value: { type: 'struct', fields: [field(23, 'deep')] },
    }
    const fields = [
      { ...first!, 'write-default': 'x' },
      { ...field(20, 'tags'), type: map },
      ...rest,
    ]
    const foreign = { ...EMPTY, schemas: [{ ...EMPTY.schemas[0]!, fields }] }

    const renamed = currentSchemaJson(withColumnRenamed(foreign, 23, 'deeper')).fields

    expect(renamed[0]).toEqual(fields[0])
    expect(renamed[1]!.type).toEqual({
      ...map,
      value: { type: 'struct', fields: [field(23, 'deeper')] },
    })
  })

  it('are back as they were under their old schema’s id', () => {
    const there = withColumnRenamed(EMPTY, 2, 'amount')
    const back = withColumnRenamed(there, 2, 'count')

    expect([there['current-schema-id'], back['current-schema-id']]).toEqual([1, 0])
    expect(back.schemas).toHaveLength(2)
  })

  it('must exist', () => {
    for (const act of [withoutColumn, withColumnOptional]) {
      expect(() => act(EMPTY, 99)).toThrow(expect.objectContaining({ code: 'lake.unknownField' }))
    }
  })
})

const BATCH: ColumnBatch = {
  rows: 2,
  columns: new Map<string, Column>([
    ['id', utf8Column(['a', 'b'])],
    ['count', { kind: 'int32', values: Int32Array.of(-7, 7) }],
    ['price', { kind: 'int64', values: BigInt64Array.of(-150n, 999n) }],
    [
      'rider',
      {
        kind: 'struct',
        rows: 2,
        fields: new Map<string, Column>([
          ['age', { kind: 'int32', values: Int32Array.of(30, 0), nulls: Uint8Array.of(0, 1) }],
          ['city', utf8Column(['Bonn', null])],
        ]),
        nulls: Uint8Array.of(0, 1),
      },
    ],
    [
      'stops',
      {
        kind: 'list',
        offsets: Int32Array.of(0, 2, 2),
        elements: {
          kind: 'struct',
          rows: 2,
          fields: new Map<string, Column>([
            ['at', { kind: 'int32', values: Int32Array.of(1, 2) }],
            ['note', utf8Column(['x', 'y'])],
          ]),
        },
      },
    ],
  ]),
}

async function filledLake() {
  const lake = memoryLake()
  await createTableIfAbsent(lake, {
    name: NAME,
    location: LOCATION,
    schema: SCHEMA,
    spec: { fields: [] },
  })
  await append(lake, 'first', SCHEMA)
  return lake
}

async function append(lake: Lake, name: string, schema?: TableSchema) {
  const encoded = encodeParquet(SCHEMA, BATCH)
  const path = `${LOCATION}/data/${name}.parquet`
  await lake.objects.putIfAbsent(path, encoded.bytes)
  const change: Change = {
    files: [dataFile(path, {}, encoded)],
    ...(schema && { schema }),
    summary: {},
    setProperties: () => ({}),
  }
  return await commit(lake, NAME, () => change)
}

async function rowsOf(lake: Lake) {
  const table = (await loadTable(lake, NAME))!
  const found: Record<string, unknown>[] = []
  for (const file of await table.liveFiles()) {
    const batch = await readDataFile(lake.objects, file, table.schema)
    for (let row = 0; row < batch.rows; row++) {
      found.push(
        Object.fromEntries(
          [...batch.columns].map(([name, column]) => [name, valueAt(column, row)]),
        ),
      )
    }
  }
  return found
}

const ALL: Evolve = (base) => {
  const renamed = withColumnRenamed(withColumnRenamed(base, 2, 'amount'), 5, 'years')
  const widened = withColumnWidened(withColumnWidened(renamed, 2, 'long'), 3, 'decimal(12, 2)')
  return withColumnMoved(withoutColumn(withoutColumn(widened, 10), 6), 3, 'first')
}

describe('files that are older than a table’s columns', () => {
  it('are read under the new names, types and order, without what was dropped', async () => {
    const lake = await filledLake()

    await evolveTable(lake, NAME, ALL)

    const rows = await rowsOf(lake)
    expect(rows).toEqual([
      { price: -150n, id: 'a', amount: -7n, rider: { years: 30 }, stops: [{ at: 1 }, { at: 2 }] },
      { price: 999n, id: 'b', amount: 7n, rider: null, stops: [] },
    ])
    expect(Object.keys(rows[0]!)[0]).toBe('price')
  })

  it('may still come in: what was renamed keeps its new name, what was dropped stays away', async () => {
    const lake = await filledLake()
    await evolveTable(lake, NAME, ALL)
    const { schema } = (await loadTable(lake, NAME))!

    const { table } = await append(lake, 'late', SCHEMA)

    expect(table.schema).toEqual(schema)
    const rows = await rowsOf(lake)
    expect(rows).toHaveLength(4)
    expect(rows.slice(2)).toEqual(rows.slice(0, 2))
  })

  it('give nulls for columns that came after them, also after one of that name was dropped', async () => {
    const lake = await filledLake()
    await evolveTable(lake, NAME, (base) => withoutColumn(base, 3))
    const wanted: TableSchema = {
      fields: [...SCHEMA.fields, field(30, 'price', { type: 'decimal(9, 2)' })],
    }

    const { table } = await append(lake, 'second', wanted)

    expect(table.schema.fields.map(({ id }) => id)).toEqual([1, 2, 4, 7, 30])
    expect((await rowsOf(lake)).map(({ price }) => price)).toEqual([null, null, null, null])
  })

  it('are refused under a name that their column never had', async () => {
    const lake = await filledLake()
    const other: TableSchema = {
      fields: [...SCHEMA.fields.filter(({ id }) => id !== 2), field(2, 'number')],
    }

    await expect(append(lake, 'other', other)).rejects.toMatchObject({
      code: 'lake.schemaConflict',
    })
  })
})
