import { PlatformError } from '../kernel/errors.ts'
import {
  fieldById,
  type PartitionField,
  type PrimitiveType,
  type TableSchema,
  typeText,
} from './schema.ts'
import { transformedType } from './transform.ts'

/** The type of a partition value. Throws `lake.unsupportedPartition` if the column cannot be parted like that. */
export function partitionType(schema: TableSchema, field: PartitionField): PrimitiveType {
  const source = fieldById(schema, field.sourceId)
  const type =
    typeof source.type === 'string' ? transformedType(field.transform, source.type) : undefined
  if (type !== undefined) return type
  throw new PlatformError(
    'lake.unsupportedPartition',
    `cannot partition by ${field.transform} of a ${typeText(source.type)} (field ${source.name})`,
  )
}
