import { gzipSync, zstdCompressSync } from 'node:zlib'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { between, oneOf } from '../kernel/choices.ts'
import {
  EVENT_TYPE,
  LONG_KEY_LENGTH,
  type Reading,
  SHORT_KEY_LENGTH,
  STRICT_CENTS,
} from './product.ts'

/** An event as its sender knows it: what becomes of it can be told without decoding anything. */
export interface SentEvent {
  readonly source: string
  readonly id: string
  readonly text: string
  /** Absent if the contract rejects it. */
  readonly row?: EventRow
}

export interface EventRow {
  /** Event time, UTC micros. */
  readonly atMicros: number
  readonly key: string
  readonly cents: number
  /** What no contract before 1.1.0 knows. */
  readonly note?: string
}

/** What a record of the stream holds; no events if nobody can read it. */
export interface SentRecord {
  readonly name: string
  readonly events: readonly SentEvent[]
  readonly isDecodable: boolean
}

/** Whether it is a row to such code. */
export function isRowFor({ row }: SentEvent, { isStrict, version }: Reading): boolean {
  if (row === undefined || (isStrict && row.cents > STRICT_CENTS)) return false
  return row.key.length <= (version === '1.0.0' ? SHORT_KEY_LENGTH : LONG_KEY_LENGTH)
}

export const KEYS = ['a', 'b', 'c', 'ä', 'a#b', 'k5', 'long-key-of-1.1']
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/**
 * Windows start and end every ten minutes, at this many minutes; where they close up to, an event lies so far behind; and two
 * of these lie as far apart as events of one session may.
 */
const EDGE_MS = 10 * MINUTE_MS
const EDGE_MINUTES = [0, 2, 4, 5, 7]

/** A new event around a time. */
export function drawEvent(random: Random, source: string, id: string, nowMs: number): SentEvent {
  const chance = random()
  if (chance < 0.06) return drawRejected(random, source, id)
  const row = {
    atMicros: onEdge(random, drawTime(random, nowMs)) * 1000,
    key: oneOf(random, KEYS),
    cents: between(random, 0, STRICT_CENTS + STRICT_CENTS / 4),
    ...(random() < 0.1 ? { note: 'noted' } : {}),
  }
  return { source, id, row, text: textOf(source, id, row) }
}

/** An event with these values, which every contract takes. */
export function validEvent(
  of: EventRow & { readonly source: string; readonly id: string },
): SentEvent {
  const { source, id, ...row } = of
  return { source, id, row, text: textOf(source, id, row) }
}

/** Some times are those at which windows start and end. */
function onEdge(random: Random, ms: number): number {
  if (random() >= 0.15) return ms
  const edgeMs = oneOf(random, EDGE_MINUTES) * MINUTE_MS
  return Math.floor((ms - edgeMs) / EDGE_MS) * EDGE_MS + edgeMs
}

/** Mostly a little late, now and then by days, or from the future. */
function drawTime(random: Random, nowMs: number): number {
  const chance = random()
  if (chance < 0.85) return nowMs - Math.floor(random() * 600_000)
  if (chance < 0.94) return nowMs - Math.floor(random() * 6 * HOUR_MS)
  if (chance < 0.98) return nowMs - Math.floor(random() * 48 * HOUR_MS)
  return nowMs + Math.floor(random() * 400 * HOUR_MS)
}

function textOf(source: string, id: string, row: EventRow): string {
  const { note } = row
  const data = {
    at: new Date(row.atMicros / 1000).toISOString(),
    key: row.key,
    ...(note === undefined ? {} : { note }),
  }
  // The amount with its digits, which a JavaScript number would not keep.
  const amount = `${Math.floor(row.cents / 100)}.${String(row.cents % 100).padStart(2, '0')}`
  const body = `${JSON.stringify(data).slice(0, -1)},"amount":${amount}}`
  return `{"specversion":"1.0","id":${JSON.stringify(id)},"source":${JSON.stringify(source)},"type":"${EVENT_TYPE}","data":${body}}`
}

function drawRejected(random: Random, source: string, id: string): SentEvent {
  const envelope = { specversion: '1.0', id, source, type: EVENT_TYPE }
  const data = { at: '2026-01-01T00:00:00Z', key: 'a', amount: 1 }
  const bad: readonly unknown[] = [
    { ...envelope, data: { ...data, amount: -1 } },
    { ...envelope, data: { ...data, amount: 0.001 } },
    { ...envelope, data: { ...data, key: null } },
    { ...envelope, data: { ...data, key: 'x'.repeat(LONG_KEY_LENGTH + 1) } },
    { ...envelope, data: { ...data, at: 'yesterday' } },
    { ...envelope, data: [] },
    { ...envelope, type: 'other', data },
    { ...envelope, id: '', data },
    { ...envelope, source: 7, data },
    { ...envelope, data: { ...data, __proto__: { key: 1 }, constructor: 1, amount: '1' } },
    [],
    null,
    'text',
    12,
  ]
  return { source, id, text: JSON.stringify(oneOf(random, bad)) }
}

/** The bytes of a record: one event or a batch; plain or compressed. */
export function encodeRecord(random: Random, events: readonly SentEvent[]): Uint8Array {
  const [first] = events
  const isSingle = events.length === 1 && first!.text.startsWith('{') && random() < 0.7
  const space = random() < 0.1 ? '\n\t ' : ''
  const text = isSingle
    ? `${space}${first!.text}${space}`
    : `${space}[${events.map((event) => event.text).join(`,${space}`)}]${space}`
  const chance = random()
  if (chance < 0.9) return Buffer.from(text)
  return chance < 0.95 ? gzipSync(text) : zstdCompressSync(text)
}

/** Bytes that are no events, each in its own way. */
export function drawUndecodable(random: Random): Uint8Array {
  const text = '[{"specversion":"1.0"}]'
  const bad: readonly (() => Uint8Array)[] = [
    () => new Uint8Array(),
    () => Uint8Array.of(0xff, 0xfe, random() * 256),
    () => gzipSync(text).subarray(0, 20),
    () => Buffer.concat([zstdCompressSync(text), Buffer.from('more')]),
    () => Buffer.from('{"specversion":'),
    () => Buffer.from('"text"'),
    () => Buffer.from('[]'),
  ]
  return oneOf(random, bad)()
}
