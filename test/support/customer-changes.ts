import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { contractSource } from '#lib/domain/contract/contract-source.ts'

/** A product of changes: its contract, and what Debezium tells of a table in PostgreSQL, a message per line. */
export const CUSTOMERS = join(import.meta.dirname, '../fixtures/customers')

/** Messages that the contract takes, `null` for a tombstone; in the order in which Debezium sent them but for the last. */
export const CHANGES: readonly (string | null)[] = messagesIn('changes.ndjson')

/** Messages that it refuses. */
export const REFUSED_CHANGES: readonly (string | null)[] = messagesIn('refused-changes.ndjson')

export function customersContract(): Contract {
  const file = join(CUSTOMERS, 'contract.yaml')
  return contractSource(readFileSync(file, 'utf8'), file)!.contract
}

/** The same change as Debezium sends it once more, as after a restart of the connector, and beside its schema. */
export function redelivered(message: string): string {
  const later = message
    .replace(
      /"op":"(\w)","ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+\}$/,
      '"op":"$1","ts_ms":1735999999999}',
    )
    .replace('"version":"3.0.8.Final"', '"version":"3.1.0.Final"')
    .replace(/"sequence":"\[[^\]]*\]"/, '"sequence":"[\\"23999999\\",\\"23999999\\"]"')
  const schema = '{"type":"struct","optional":false,"name":"bank.public.customers.Envelope"}'
  return `{"schema":${schema},"payload":${later}}`
}

function messagesIn(file: string): readonly (string | null)[] {
  const lines = readFileSync(join(CUSTOMERS, file), 'utf8').trimEnd().split('\n')
  return lines.map((line) => (line === 'null' ? null : line))
}
