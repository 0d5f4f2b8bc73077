import { type ChangeContract, statedFields } from '#lib/domain/contract/change-terms.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import type { PartitionSpec, TableSchema } from '#lib/domain/lake/schema.ts'

/** The columns of the table of changes: what a row is now, and which change made it so. */
export function latestTableSchema(contract: ChangeContract): TableSchema {
  return tableSchemaOf(contract)
}

/** A change rewrites files of one bucket: more of them make smaller rewrites, and more files. */
const BUCKETS = 16

/** By the key's first field, so that changes of a row find it in one bucket; of a boolean or a double there are none. */
export function latestTableSpec(contract: ChangeContract): PartitionSpec {
  const [name] = contract.changes.key
  const field = contract.fields.find((one) => one.name === name)!
  if (['double', 'boolean', 'struct', 'list'].includes(field.type.kind)) return { fields: [] }
  return {
    fields: [
      {
        sourceId: field.id,
        fieldId: 1000,
        name: `${field.name}_bucket`,
        transform: `bucket[${BUCKETS}]`,
      },
    ],
  }
}

/** The columns that say something of a row beside its key: nothing of them is kept of a deleted one. */
export function contentColumns(contract: ChangeContract): ReadonlySet<string> {
  const names = statedFields(contract).map((field) => field.name)
  return new Set(names.filter((name) => !contract.changes.key.includes(name)))
}
