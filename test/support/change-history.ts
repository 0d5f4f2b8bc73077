import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

/** What a source did to a row, at a place in its log. */
export interface SourceChange {
  readonly operation: 'c' | 'u' | 'd' | 'r'
  readonly lsn: number
  readonly id: number
  readonly name: string
}

/**
 * What a database did with a few rows, in its own order: snapshot reads first, then creations, updates, deletions,
 * and keys that change, which is a deletion and a creation at one place.
 */
export function sourceHistory(random: () => number, count: number): readonly SourceChange[] {
  const rows = new Map<number, string>()
  const changes: SourceChange[] = []
  const change = (operation: SourceChange['operation'], lsn: number, id: number) => {
    const name = `${operation}${lsn}`
    if (operation === 'd') rows.delete(id)
    else rows.set(id, name)
    changes.push({ operation, lsn, id, name })
  }
  for (let id = 1; id <= 6; id++) change('r', 90, id)
  for (let lsn = 95; changes.length < count; lsn += 1 + Math.floor(random() * 20)) {
    const id = 1 + Math.floor(random() * 12)
    const other = 1 + Math.floor(random() * 12)
    if (!rows.has(id)) change('c', lsn, id)
    else if (random() < 0.3) change('d', lsn, id)
    else if (random() < 0.2 && other !== id && !rows.has(other)) {
      change('d', lsn, id)
      change('c', lsn, other)
    } else change('u', lsn, id)
  }
  return changes
}

/** The rows that exist after all of it. */
export function rowsAfter(changes: readonly SourceChange[]): ReadonlyMap<number, string> {
  const rows = new Map<number, string>()
  for (const { operation, id, name } of changes) {
    if (operation === 'd') rows.delete(id)
    else rows.set(id, name)
  }
  return rows
}

/** A change as a record of the stream; `sequence` is its place there, which need not be the source's order. */
export function changeRecord(
  { operation, lsn, id, name }: SourceChange,
  sequence: number,
): StreamRecord {
  const row = { id, name, status: 'active', credit: '1.00', joined_at: null }
  const data = {
    before: operation === 'd' ? row : null,
    after: operation === 'd' ? null : row,
    source: { connector: 'postgresql', name: 'bank', ts_ms: 1_735_344_000_000 + lsn, lsn },
    op: operation,
    ts_ms: 1_735_344_001_000 + lsn,
  }
  const event = {
    specversion: '1.0',
    id: `${operation}:${lsn}:${id}`,
    source: '/debezium/customers',
    type: 'bank.customer.changed',
    data,
  }
  return {
    sequence: sequenceNumber(String(49_000_000_000_000_000n + BigInt(sequence))),
    arrivalMicros: Date.UTC(2026, 0, 1) * 1000 + sequence * 1_000_000,
    data: Buffer.from(JSON.stringify(event)),
  }
}
