import { type Column, type ColumnBatch, isNull, takeRows } from '../kernel/columns.ts'
import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'
import { ApplicableDeletes } from './applicable-deletes.ts'
import { FILE_PATH_ID, POSITION_ID } from './delete-file.ts'
import { readColumns } from './read-data-file.ts'
import { scalarAt } from './scalar-at.ts'
import { allFields, isPrimitiveType, type TableField, type TableSchema } from './schema.ts'
import { type LiveDataFile, type LiveDeleteFile, refuseFormat } from './snapshot-contents.ts'
import { currentSchemaJson, type TableMetadata, tableSchema } from './table-metadata.ts'

/** The rows of a data file that are not deleted. */
export interface LiveRows {
  readonly batch: ColumnBatch
  /** Where each of them stands in the file, ascending. */
  readonly positions: Int32Array
  /** How many rows of the file are deleted. */
  readonly deletedRows: number
  /** The delete files that were looked at for it, whether they hit a row or not. */
  readonly applied: readonly string[]
}

const POSITION_FIELDS: readonly TableField[] = [
  { id: FILE_PATH_ID, name: 'file_path', required: true, type: 'string' },
  { id: POSITION_ID, name: 'pos', required: true, type: 'long' },
]

/** Values that are deleted, one row each; what is compared is by field. */
interface DeletedValues {
  readonly fields: readonly TableField[]
  readonly keys: ReadonlySet<string>
}

/**
 * Reads the data files of one snapshot without the rows that its delete files take away, by position or by value. A
 * delete file is read once, whatever number of data files it is for.
 */
export class LiveRowReader {
  /** Whether the snapshot has any row deletes. */
  readonly hasDeletes: boolean
  readonly #objects: Pick<ObjectStore, 'get'>
  readonly #metadata: TableMetadata
  readonly #applicable: ApplicableDeletes
  readonly #positions = new Map<string, Promise<ReadonlyMap<string, readonly number[]>>>()
  readonly #values = new Map<string, Promise<DeletedValues>>()

  constructor(
    objects: Pick<ObjectStore, 'get'>,
    metadata: TableMetadata,
    deletes: readonly LiveDeleteFile[],
  ) {
    this.#objects = objects
    this.#metadata = metadata
    this.hasDeletes = deletes.length > 0
    this.#applicable = new ApplicableDeletes(metadata, deletes)
  }

  /** The delete files that are read for a data file. */
  deletesOf(data: LiveDataFile): readonly LiveDeleteFile[] {
    return this.#applicable.to(data)
  }

  /** Throws `lake.corruptFile` if a file does not hold what the table says of it. */
  async read(data: LiveDataFile, schema: TableSchema): Promise<LiveRows> {
    refuseFormat(data)
    const applicable = this.deletesOf(data)
    const byValue = await Promise.all(
      applicable
        .filter(({ file }) => file.kind === 'equality')
        .map((one) => this.#deletedValues(one)),
    )
    const compared = byValue.flatMap(({ fields }) => fields)
    const all = await readColumns(this.#objects, data.file, [...schema.fields, ...compared])
    const deleted = new Uint8Array(all.rows)
    for (const one of applicable) {
      if (one.file.kind === 'positions') await this.#markPositions(one, data, deleted)
    }
    for (const values of byValue) markValues(values, all, deleted)
    const positions = Int32Array.from(
      Array.from({ length: all.rows }, (_, row) => row).filter((row) => deleted[row] === 0),
    )
    const columns = schema.fields.map(({ name }) => [name, all.columns.get(name)!] as const)
    const batch = { rows: all.rows, columns: new Map(columns) }
    return {
      batch: positions.length === all.rows ? batch : takeRows(batch, positions),
      positions,
      deletedRows: all.rows - positions.length,
      applied: applicable.map(({ file }) => file.path),
    }
  }

  /** How many rows of a file are deleted by position, without reading the file itself. */
  async deletedByPosition(data: LiveDataFile): Promise<number> {
    const rows = new Set<number>()
    for (const one of this.deletesOf(data)) {
      if (one.file.kind !== 'positions') continue
      for (const row of (await this.#deletedPositions(one)).get(data.file.path) ?? []) rows.add(row)
    }
    return rows.size
  }

  async #markPositions(one: LiveDeleteFile, data: LiveDataFile, deleted: Uint8Array) {
    for (const row of (await this.#deletedPositions(one)).get(data.file.path) ?? []) {
      if (row >= deleted.length) {
        throw new PlatformError(
          'lake.corruptFile',
          `${one.file.path} deletes row ${row} of ${data.file.path}, which has ${deleted.length}`,
          { context: { path: one.file.path } },
        )
      }
      deleted[row] = 1
    }
  }

  #deletedPositions(one: LiveDeleteFile): Promise<ReadonlyMap<string, readonly number[]>> {
    const known = this.#positions.get(one.file.path) ?? this.#readPositions(one)
    this.#positions.set(one.file.path, known)
    return known
  }

  async #readPositions(one: LiveDeleteFile): Promise<ReadonlyMap<string, readonly number[]>> {
    refuseFormat(one)
    const { rows, columns } = await readColumns(this.#objects, one.file, POSITION_FIELDS)
    const [paths, positions] = [columns.get('file_path')!, columns.get('pos')!]
    const found = new Map<string, number[]>()
    for (let row = 0; row < rows; row++) {
      const [path, position] = [valueAt(paths, row), valueAt(positions, row)]
      if (typeof path !== 'string' || typeof position !== 'bigint' || position < 0n) {
        throw new PlatformError(
          'lake.corruptFile',
          `row ${row} of ${one.file.path} names no row of a data file`,
          { context: { path: one.file.path } },
        )
      }
      const ofFile = found.get(path)
      if (ofFile === undefined) found.set(path, [Number(position)])
      else ofFile.push(Number(position))
    }
    return found
  }

  #deletedValues(one: LiveDeleteFile): Promise<DeletedValues> {
    const known = this.#values.get(one.file.path) ?? this.#readValues(one)
    this.#values.set(one.file.path, known)
    return known
  }

  async #readValues(one: LiveDeleteFile): Promise<DeletedValues> {
    refuseFormat(one)
    const fields = (one.file.equalityIds ?? []).map((id) => this.#comparedField(id, one))
    if (fields.length === 0) {
      throw new PlatformError(
        'lake.corruptFile',
        `${one.file.path} deletes by value and names no columns`,
        { context: { path: one.file.path } },
      )
    }
    const batch = await readColumns(this.#objects, one.file, fields)
    const keys = new Set<string>()
    for (let row = 0; row < batch.rows; row++) keys.add(keyAt(batch, fields, row))
    return { fields, keys }
  }

  /** Of any schema that the table has had: a column may have been dropped since. Its name here is no column's. */
  #comparedField(id: number, { file }: LiveDeleteFile): TableField {
    const schemas = [currentSchemaJson(this.#metadata), ...this.#metadata.schemas.toReversed()]
    for (const schema of schemas) {
      const json = schema.fields.find((field) => field.id === id)
      const field = json && allFields(tableSchema({ fields: [json] }).fields)[0]
      if (field && isPrimitiveType(field.type)) {
        return { ...field, required: false, name: `\u0000${id}` }
      }
    }
    throw new PlatformError(
      'lake.unsupportedTable',
      `${file.path} deletes by field ${id}, which is no plain column of the table`,
      { context: { path: file.path } },
    )
  }
}

function markValues(
  { fields, keys }: DeletedValues,
  batch: ColumnBatch,
  deleted: Uint8Array,
): void {
  for (let row = 0; row < batch.rows; row++) {
    if (keys.has(keyAt(batch, fields, row))) deleted[row] = 1
  }
}

/** Equal for equal values, of which nothing is one too (table spec, "Equality Delete Files"). */
function keyAt({ columns }: ColumnBatch, fields: readonly TableField[], row: number): string {
  return JSON.stringify(
    fields.map(({ name }) => {
      const value = valueAt(columns.get(name)!, row)
      if (value === null) return null
      return Object.is(value, -0) ? '-0' : String(value)
    }),
  )
}

function valueAt(column: Column, row: number): ReturnType<typeof scalarAt> | null {
  if (column.kind === 'struct' || column.kind === 'list' || isNull(column, row)) return null
  return scalarAt(column, row)
}
