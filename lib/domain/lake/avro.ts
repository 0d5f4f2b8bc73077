import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import avsc from 'avsc'
import { PlatformError } from '../kernel/errors.ts'

/** An Avro schema as JSON, with Iceberg's `field-id` on its record fields. */
export type AvroSchema = string | readonly AvroSchema[] | { readonly [key: string]: unknown }

/**
 * What a record's field is called in code. Iceberg resolves fields by id: names differ between writers and
 * versions, so a file's own names never reach the code.
 */
export type CodeNames = (fieldId: number, name: string) => string

export interface AvroFile {
  readonly records: readonly unknown[]
  readonly metadata: Readonly<Record<string, string>>
}

const MAGIC = Buffer.from('Obj\u0001', 'latin1')
const SYNC_BYTES = 16

const longType = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(value)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0),
})
const headerType = avsc.Type.forSchema({ type: 'map', values: 'bytes' })

/** One container file of one block. Equal input gives equal bytes: the sync marker is a hash. */
export function encodeAvro(
  schema: AvroSchema,
  names: CodeNames,
  records: readonly unknown[],
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const type = codecOf(schema, names)
  const header = {
    ...metadata,
    'avro.schema': JSON.stringify(schema),
    'avro.codec': 'deflate',
  }
  const head = headerType.toBuffer(
    Object.fromEntries(Object.entries(header).map(([key, text]) => [key, Buffer.from(text)])),
  )
  const body = deflateRawSync(Buffer.concat(records.map((record) => type.toBuffer(record))))
  const sync = createHash('sha256').update(head).update(body).digest().subarray(0, SYNC_BYTES)
  const block = records.length > 0 ? [varint(records.length), varint(body.length), body, sync] : []
  return Buffer.concat([MAGIC, head, sync, ...block])
}

/** Reads what any Iceberg writer wrote. Throws `lake.unsupportedAvro` for an unknown codec. */
export function decodeAvro(bytes: Uint8Array, names: CodeNames): AvroFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (!buffer.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new PlatformError('lake.unsupportedAvro', 'not an Avro container file')
  }
  const header = headerType.decode(buffer, MAGIC.length)
  const metadata: Record<string, string> = {}
  for (const [key, value] of Object.entries(header.value as Record<string, Buffer>)) {
    metadata[key] = value.toString('utf8')
  }
  const type = codecOf(JSON.parse(metadata['avro.schema'] ?? 'null') as AvroSchema, names)
  const records: unknown[] = []
  let at = header.offset + SYNC_BYTES
  while (at < buffer.length) {
    const count = readVarint(buffer, at)
    const size = readVarint(buffer, count.next)
    const block = inflate(
      buffer.subarray(size.next, size.next + size.value),
      metadata['avro.codec'],
    )
    let offset = 0
    for (let index = 0; index < count.value; index++) {
      const decoded = type.decode(block, offset)
      records.push(decoded.value)
      offset = decoded.offset
    }
    at = size.next + size.value + SYNC_BYTES
  }
  return { records, metadata }
}

function inflate(block: Buffer, codec = 'null'): Buffer {
  switch (codec) {
    case 'null':
      return block
    case 'deflate':
      return inflateRawSync(block)
    case 'zstandard':
      return zstdDecompressSync(block)
    default:
      throw new PlatformError('lake.unsupportedAvro', `unknown Avro codec ${codec}`)
  }
}

/** Compiling a codec costs about as much as a thousand records; a table has a handful of schemas. */
const compiled = new Map<string, avsc.Type>()
const MOST_COMPILED = 64

function codecOf(schema: AvroSchema, names: CodeNames): avsc.Type {
  const inCode = renamed(schema, names)
  const key = JSON.stringify(inCode)
  let type = compiled.get(key)
  if (!type) {
    type = avsc.Type.forSchema(inCode as never, {
      registry: { long: longType },
      wrapUnions: 'never',
      omitRecordMethods: true,
    })
    if (compiled.size >= MOST_COMPILED) compiled.clear()
    compiled.set(key, type)
  }
  return type
}

const PRIMITIVES = new Set<unknown>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])

/** Avro's encoding is positional, so renaming the fields changes what the code sees and no byte. */
function renamed(schema: unknown, names: CodeNames): unknown {
  if (Array.isArray(schema)) return schema.map((part) => renamed(part, names))
  if (typeof schema !== 'object' || schema === null) return schema
  const node = schema as Record<string, unknown>
  // `{type: 'long', logicalType: …}`: avsc would build a long of its own, which is no bigint.
  if (node.name === undefined && PRIMITIVES.has(node.type)) return node.type
  const copy: Record<string, unknown> = {}
  for (const [key, part] of Object.entries(node)) {
    if (key === 'default' || key === 'doc' || key === 'aliases') continue
    copy[key] = renamed(part, names)
  }
  const id = node['field-id']
  if (typeof id === 'number') copy.name = names(id, String(node.name))
  return copy
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value * 2
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80)
    rest = Math.floor(rest / 0x80)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** Counts and sizes only, which are never negative: zigzag is a doubling. */
function readVarint(buffer: Buffer, at: number): { value: number; next: number } {
  let value = 0
  let scale = 1
  let next = at
  for (;;) {
    const byte = buffer[next++]
    if (byte === undefined) {
      throw new PlatformError('lake.unsupportedAvro', 'the Avro file ends inside a block')
    }
    value += (byte & 0x7f) * scale
    scale *= 0x80
    if (byte < 0x80) return { value: value / 2, next }
  }
}
