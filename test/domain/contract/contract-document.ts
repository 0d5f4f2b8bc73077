import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'

type JsonObject = { readonly [name: string]: JsonValue }

/** A small contract as an ODCS document: event time `at`, partition key `key`, then the given fields. */
export function contractDocument(
  fields: readonly JsonObject[] = [],
  changes: {
    readonly quality?: readonly JsonObject[]
    readonly custom?: readonly (readonly [string, JsonValue])[]
    readonly top?: JsonObject
  } = {},
): JsonObject {
  const custom = new Map<string, JsonValue>([
    ['weir.eventType', 'test.happened'],
    ['weir.eventTime', 'at'],
    ['weir.partitionKey', 'key'],
    ['weir.costCenter', 'tests'],
    ...(changes.custom ?? []),
  ])
  return {
    apiVersion: 'v3.1.0',
    kind: 'DataContract',
    id: 'urn:test',
    version: '1.0.0',
    status: 'active',
    domain: 'tests',
    dataProduct: 'tests',
    team: { name: 'testers' },
    customProperties: Array.from(custom, ([property, value]) => ({ property, value })),
    schema: [
      {
        name: 'tests',
        properties: [
          field('at', 'timestamp', 10, { required: true }),
          field('key', 'string', 11, { required: true }),
          ...fields,
        ],
        ...(changes.quality === undefined ? {} : { quality: changes.quality }),
      },
    ],
    ...changes.top,
  }
}

/** A property of the schema with its field id. */
export function field(
  name: string,
  logicalType: string,
  id: number,
  more: JsonObject = {},
): JsonObject {
  return {
    name,
    logicalType,
    customProperties: [{ property: 'weir.fieldId', value: id }],
    ...more,
  }
}

export function contractWith(...args: Parameters<typeof contractDocument>): Contract {
  return compileContract(contractDocument(...args))
}

/** A rule of one row. */
export function rule(implementation: string, name = 'the_rule'): JsonObject {
  return { name, type: 'custom', engine: 'weir', implementation }
}

/** An enumeration, as ODCS states it. */
export function oneOf(...validValues: readonly (string | number)[]): JsonObject {
  return { metric: 'invalidValues', mustBe: 0, arguments: { validValues } }
}
