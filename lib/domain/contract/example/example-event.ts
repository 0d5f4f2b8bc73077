import { decode } from '#lib/domain/ingest/decode.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Contract } from '../contract.ts'
import { SCHEMA_URN } from '../contract-versions.ts'
import { majorOf } from '../version.ts'
import { exampleChange } from './example-change.ts'
import { exampleRow, objectText } from './example-row.ts'
import { NoExample, tableFields } from './field-values.ts'

/** An event that the contract accepts, or why there is none to show. */
export type ExampleEvent =
  | {
      readonly ok: true
      /** The JSON text of a CloudEvent. Its numbers have the digits that they are to have: parse it exactly. */
      readonly text: string
      /** The JSON text of its data alone. */
      readonly data: string
    }
  | { readonly ok: false; readonly why: string }

/**
 * An event of a contract, with the examples that its document gives where they fit. The validator has accepted it. Equal
 * contracts give equal events.
 */
export function exampleEvent(contract: Contract, document: JsonValue): ExampleEvent {
  try {
    const data = dataText(contract, document)
    const text = eventText(contract, data)
    const problem = problemOf(contract, text)
    return problem === undefined ? { ok: true, text, data } : { ok: false, why: problem }
  } catch (error) {
    if (error instanceof NoExample) return { ok: false, why: error.message }
    throw error
  }
}

function dataText(contract: Contract, document: JsonValue): string {
  const { changes, fields, rowRules } = contract
  if (changes !== undefined) return exampleChange({ ...contract, changes }, document)
  return objectText(exampleRow(tableFields(document, fields), rowRules))
}

function eventText({ product, version, eventType }: Contract, data: string): string {
  const attributes = JSON.stringify({
    specversion: '1.0',
    id: `${product}-1`,
    source: `/example/${product}`,
    type: eventType,
    dataschema: `${SCHEMA_URN}${product}:${majorOf(version)}`,
    datacontenttype: 'application/json',
  })
  return `${attributes.slice(0, -1)},"data":${data}}`
}

/** What the validator has against the event; undefined if it accepts it. */
function problemOf(contract: Contract, text: string): string | undefined {
  const place = { sequence: sequenceNumber('1'), index: 0, arrivalMicros: 0 }
  const { rejected } = decode(contract, [{ kind: 'event', ...place, text }], { shard: 'example' })
  return rejected[0]?.detail
}
