import { zstdDecompressSync } from 'node:zlib'
import { Ajv } from 'ajv'
import type { Contract, Field } from '#lib/domain/contract/contract.ts'
import { localToUtc } from '#lib/domain/kernel/local-time.ts'
import type { LambdaRecord } from './trips.ts'

/** (a) base64 and `JSON.parse`, nothing looked at: the number of events. */
export function parseOnly(records: readonly LambdaRecord[]): number {
  let events = 0
  for (const { data } of records) {
    const parsed: unknown = JSON.parse(textOf(data))
    events += Array.isArray(parsed) ? parsed.length : 1
  }
  return events
}

function textOf(data: string): string {
  const bytes = Buffer.from(data, 'base64')
  // The chunk size that is fastest for records of this size.
  const isZstd = bytes.length > 4 && bytes.readUInt32LE(0) === 0xfd2fb528
  return (isZstd ? zstdDecompressSync(bytes, { chunkSize: 65_536 }) : bytes).toString('utf8')
}

type Value = number | string | null

/** What a conventional implementation keeps of a batch: arrays by column, an element per accepted event. */
export interface PushedColumns {
  readonly columns: ReadonlyMap<string, Value[]>
  readonly rejected: number
}

interface Event {
  readonly id: string
  readonly source: string
  readonly data: Readonly<Record<string, never>>
}

/**
 * (b) base64, `JSON.parse`, a validator that Ajv compiled from the same contract, and a push per column. It does less
 * than the decoder: it does not count digits, look for lone surrogates or name reasons.
 */
export function parseValidatePush(
  contract: Contract,
): (records: readonly LambdaRecord[], shard: string) => PushedColumns {
  const validate = new Ajv({ strict: false }).compile<Event>(schemaOf(contract))
  const fields = contract.fields.map((field) => ({ name: field.name, convert: converterOf(field) }))
  const rules = contract.rowRules.map(({ left, operator, right }) => {
    if (operator !== '<=' || !('field' in right)) throw new Error('this bench knows no such rule')
    return { left, right: right.field }
  })
  return (records, shard) => {
    const place = ['event_id', 'event_source', 'ingest_time', 'ingest_shard', 'ingest_sequence']
    const names = [...place, 'ingest_index', ...fields.map(({ name }) => name)]
    const columns = names.map((): Value[] => [])
    let rejected = 0
    for (const { data, sequence, arrivalMicros } of records) {
      const parsed: unknown = JSON.parse(textOf(data))
      const events: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
      for (let index = 0; index < events.length; index++) {
        const event = events[index]
        // Wall-clock texts of one form sort as the times do.
        if (
          !validate(event) ||
          rules.some(({ left, right }) => event.data[left]! > event.data[right]!)
        ) {
          rejected++
          continue
        }
        columns[0]!.push(event.id)
        columns[1]!.push(event.source)
        columns[2]!.push(arrivalMicros)
        columns[3]!.push(shard)
        columns[4]!.push(sequence)
        columns[5]!.push(index)
        for (let i = 0; i < fields.length; i++) {
          const { name, convert } = fields[i]!
          columns[6 + i]!.push(convert(event.data[name]))
        }
      }
    }
    return { columns: new Map(names.map((name, i) => [name, columns[i]!])), rejected }
  }
}

function converterOf({ type }: Field): (value: never | undefined) => Value {
  switch (type.kind) {
    case 'decimal': {
      const factor = 10 ** type.scale
      return (value: number | undefined) => (value == null ? null : Math.round(value * factor))
    }
    case 'timestamp': {
      const toUtc = localToUtc(type.localZone ?? 'UTC')
      return (value: string | undefined) =>
        value == null ? null : toUtc(Date.parse(`${value.replace(' ', 'T')}Z`) / 1000) * 1_000_000
    }
    default:
      return (value: number | string | undefined) => value ?? null
  }
}

const LOCAL_TIME = '^[0-9]{4}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9]$'

function schemaOf(contract: Contract): object {
  const text = { type: 'string', minLength: 1, maxLength: 1024 }
  return {
    type: 'object',
    required: ['specversion', 'id', 'source', 'type', 'data'],
    properties: {
      specversion: { const: '1.0' },
      id: text,
      source: text,
      type: { const: contract.eventType },
      datacontenttype: { const: 'application/json' },
      data: {
        type: 'object',
        required: contract.fields.filter((field) => field.required).map((field) => field.name),
        properties: Object.fromEntries(
          contract.fields.map((field) => [field.name, fieldSchema(field)]),
        ),
      },
    },
  }
}

function fieldSchema({ type, constraints, required }: Field): object {
  const { minimum, maximum, values } = constraints
  const limits = {
    ...(minimum === undefined ? {} : { minimum: Number(minimum) }),
    ...(maximum === undefined ? {} : { maximum: Number(maximum) }),
    ...(values === undefined ? {} : { enum: values }),
    ...(required ? {} : { nullable: true }),
  }
  switch (type.kind) {
    case 'int':
      return { type: 'integer', ...limits }
    case 'decimal': {
      const limit = 10 ** (type.precision - type.scale)
      return { type: 'number', exclusiveMinimum: -limit, exclusiveMaximum: limit, ...limits }
    }
    case 'timestamp':
      return { type: 'string', pattern: LOCAL_TIME, ...limits }
    case 'string':
      return { type: 'string', ...limits }
    default:
      throw new Error(`this bench has no field of type ${type.kind}`)
  }
}
