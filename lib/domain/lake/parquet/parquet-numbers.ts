import type { SchemaElement } from 'hyparquet'

/** What the format's definition numbers: of what is written here, that is. */
export const TYPE: Readonly<Partial<Record<NonNullable<SchemaElement['type']>, number>>> = {
  BOOLEAN: 0,
  INT32: 1,
  INT64: 2,
  DOUBLE: 5,
  BYTE_ARRAY: 6,
}
export const REPETITION = { REQUIRED: 0, OPTIONAL: 1, REPEATED: 2 } as const
export const CONVERTED: Readonly<
  Partial<Record<NonNullable<SchemaElement['converted_type']>, number>>
> = { UTF8: 0, LIST: 3, DECIMAL: 5, DATE: 6, TIMESTAMP_MICROS: 10 }
export const ENCODING = { PLAIN: 0, RLE: 3, RLE_DICTIONARY: 8 } as const
export const CODEC = { UNCOMPRESSED: 0, ZSTD: 6 } as const
export const PAGE = { DATA: 0, DICTIONARY: 2 } as const
