/** What AWS multiplies with a price: requests, or units of a size. */
export type Meter =
  | 'kinesis.putPayloadUnits'
  | 's3.putRequests'
  | 's3.getRequests'
  | 'dynamodb.writeUnits'
  | 'dynamodb.readUnits'
  | 'glue.requests'
  | 'kms.requests'
  | 'lambda.requests'

export type BilledUnits = Readonly<Partial<Record<Meter, number>>>

/** One try of a call, as a client's middleware sees it. */
export interface BilledCall {
  /** `S3`, `DynamoDB`, … */
  readonly service: string
  /** `PutObject`, … */
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  /** Absent if the try failed. */
  readonly output?: Readonly<Record<string, unknown>>
}

const KIB = 1024
const PUT_PAYLOAD_BYTES = 25 * KIB
const WRITE_UNIT_BYTES = KIB
const READ_UNIT_BYTES = 4 * KIB

/**
 * The units that AWS bills for one try, by its own rounding rules: 25 KiB of a Kinesis record, 1 KiB of an item
 * written and 4 KiB read in DynamoDB, one for each request elsewhere. A refused condition is billed like a write.
 * Throws on a call that it has no rule for: a new call must not be free by accident.
 */
export function billedUnits(call: BilledCall): BilledUnits {
  switch (call.service) {
    case 'S3':
      return s3Units(call.operation)
    case 'DynamoDB':
      return dynamoDbUnits(call)
    case 'Kinesis':
      return kinesisUnits(call)
    case 'Glue':
      return { 'glue.requests': 1 }
    case 'KMS':
      return { 'kms.requests': 1 }
    case 'Lambda':
      return { 'lambda.requests': 1 }
    default:
      throw new Error(`no rule says what ${call.service}.${call.operation} is billed`)
  }
}

function s3Units(operation: string): BilledUnits {
  if (/^(Get|Head)Object$/.test(operation)) return { 's3.getRequests': 1 }
  if (/^(PutObject|CopyObject|ListObjectsV2|CreateBucket)$/.test(operation)) {
    return { 's3.putRequests': 1 }
  }
  if (/^Delete(Objects?|Bucket)$/.test(operation)) return {}
  throw new Error(`no rule says what S3.${operation} is billed`)
}

function kinesisUnits({ operation, input }: BilledCall): BilledUnits {
  // Reading costs no request: it is part of the shard's hour.
  if (/^(ListShards|Get|Describe)/.test(operation)) return {}
  if (operation !== 'PutRecords') {
    throw new Error(`no rule says what Kinesis.${operation} is billed`)
  }
  const records = input.Records as readonly { Data: Uint8Array; PartitionKey: string }[]
  const units = records.map(({ Data, PartitionKey }) =>
    Math.ceil((Data.byteLength + Buffer.byteLength(PartitionKey)) / PUT_PAYLOAD_BYTES),
  )
  return { 'kinesis.putPayloadUnits': units.reduce((sum, one) => sum + one, 0) }
}

type Item = Readonly<Record<string, AttributeValue>>

function dynamoDbUnits({ operation, input, output }: BilledCall): BilledUnits {
  switch (operation) {
    case 'PutItem':
      return { 'dynamodb.writeUnits': unitsOf(itemBytes(input.Item as Item), WRITE_UNIT_BYTES) }
    case 'UpdateItem': {
      // The rest of the item is not in the call; what Weir updates are cursors, far below a unit.
      const values = itemBytes((input.ExpressionAttributeValues ?? {}) as Item)
      return { 'dynamodb.writeUnits': unitsOf(values, WRITE_UNIT_BYTES) }
    }
    case 'GetItem': {
      const bytes = itemBytes((output?.Item ?? {}) as Item)
      return { 'dynamodb.readUnits': readUnits(bytes, input.ConsistentRead) }
    }
    case 'Query': {
      const items = (output?.Items ?? []) as readonly Item[]
      const bytes = items.reduce((sum, item) => sum + itemBytes(item), 0)
      return { 'dynamodb.readUnits': readUnits(bytes, input.ConsistentRead) }
    }
    case 'BatchGetItem':
      return { 'dynamodb.readUnits': batchReadUnits(input, output) }
    default:
      throw new Error(`no rule says what DynamoDB.${operation} is billed`)
  }
}

/** Each item is rounded on its own, and one that is not there costs as much as a small one. */
function batchReadUnits(input: BilledCall['input'], output: BilledCall['output']): number {
  const asked = input.RequestItems as Readonly<
    Record<string, { Keys?: readonly unknown[]; ConsistentRead?: boolean }>
  >
  const answered = (output?.Responses ?? {}) as Readonly<Record<string, readonly Item[]>>
  let units = 0
  for (const [table, { Keys = [], ConsistentRead }] of Object.entries(asked)) {
    const found = answered[table] ?? []
    for (const item of found) units += readUnits(itemBytes(item), ConsistentRead)
    units += (Keys.length - found.length) * readUnits(0, ConsistentRead)
  }
  return units
}

function unitsOf(bytes: number, unitBytes: number): number {
  return Math.max(1, Math.ceil(bytes / unitBytes))
}

function readUnits(bytes: number, isConsistent: unknown): number {
  return unitsOf(bytes, READ_UNIT_BYTES) * (isConsistent === true ? 1 : 0.5)
}

/** As much of DynamoDB's value types as Weir stores. */
interface AttributeValue {
  readonly S?: string
  readonly N?: string
  readonly B?: Uint8Array
}

/** Names and values, as DynamoDB counts an item's size. */
function itemBytes(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value),
    0,
  )
}

function valueBytes({ S, N, B }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S)
  if (B !== undefined) return B.byteLength
  // Two digits a byte, and one byte more.
  if (N !== undefined) return Math.ceil(N.replace(/[-.]/g, '').length / 2) + 1
  return 1
}
