import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { type FeatureValues, readFeatures } from '#lib/domain/features/read-features.ts'
import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import type { Slot, SlotStore } from '#lib/domain/process/slot-store.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import { LAYOUT, SLOTS_TABLE, VIEW_NAME } from '../cell/product.ts'
import { getOrAdd, type ItemChange } from '../cloud/dynamodb.ts'
import type { Item } from '../cloud/dynamodb-expressions.ts'
import type { ObjectChange } from '../cloud/s3.ts'
import type { ArchiveChecks } from './archive-checks.ts'
import type { AdmittedEvent } from './verdict-oracle.ts'
import { must, mustEqual } from './violation.ts'
import {
  add,
  amountText,
  type Contribution,
  entryId,
  NOTHING,
  type Sum,
  slotId,
  type WindowOracle,
} from './window-oracle.ts'

const CURSORS = `cursor#${VIEW_NAME}`
const SLOTS = new RegExp(`^slot(?:\\.\\d+)?#${VIEW_NAME}#(.*)$`, 's')
const LATE = new RegExp(`^s3://${LAYOUT.bucket}/late/.*/${VIEW_NAME}-(.+)-(\\d+)\\.parquet$`)

const MOST_SUMS = 5_000
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MOST_CLOCK_SKEW_MS = HOUR_MS

/** What the feature table says of a shard and of the windows, as far as slots depend on it. */
export interface Finality {
  /** Windows that close at or before this are final. */
  readonly closed: number
  isTaken(shard: string, sequence: string): boolean
  /** When what closes at this time became final. */
  finalSinceMs(closes: number): number
}

/**
 * Holds slots, cursors and late rows against the journal at each write: a slot has what the entries up to its
 * position add to it, no more and no less; a cursor stands behind all slots and late rows of the entries up to it; a
 * slot goes only when its windows are final and have it.
 */
export class WindowChecks {
  readonly #archive: ArchiveChecks
  readonly #oracle: WindowOracle
  readonly #view: ViewDefinition
  readonly #contract: Contract
  readonly #finality: Finality
  readonly #fail: (error: unknown) => void
  /** The position of each slot that is there, by shard and slot. */
  readonly #slots = new Map<string, Map<string, SequenceNumber>>()
  readonly #expired = new Set<string>()
  /** Those that are there and will go, by shard and slot. */
  readonly #going = new Set<string>()
  readonly #cursors = new Map<string, SequenceNumber>()
  readonly #late = new Set<string>()
  readonly #nowMs: () => number
  #cursorMovedMs = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly archive: ArchiveChecks
    readonly oracle: WindowOracle
    readonly view: ViewDefinition
    readonly contract: Contract
    readonly finality: Finality
    readonly nowMs: () => number
    /** Told what a check finds that takes a promise, before the next turn. */
    readonly fail: (error: unknown) => void
  }) {
    this.#archive = options.archive
    this.#oracle = options.oracle
    this.#view = options.view
    this.#contract = options.contract
    this.#finality = options.finality
    this.#nowMs = options.nowMs
    this.#fail = options.fail
  }

  /** The last position of a shard that is in all slots. */
  cursor(shard: string): SequenceNumber | undefined {
    return this.#cursors.get(shard)
  }

  /** When a cursor has moved last. */
  get cursorMovedMs(): number {
    return this.#cursorMovedMs
  }

  /** Whether a cursor has moved. */
  onItem({ table, partition, sort, before, after }: ItemChange): boolean {
    if (table !== SLOTS_TABLE) return false
    if (partition === CURSORS) {
      this.#checkCursor(sort, after!)
      return true
    }
    const key = SLOTS.exec(partition)?.[1]
    if (key === undefined) return false
    const [start, shard] = sort.split('#') as [string, string]
    const pane = Date.parse(start) * 1000
    const where = `slot ${partition}/${sort}`
    if (after === undefined) this.#checkGone(where, shard, key, pane)
    else this.#checkSlot(where, { shard, key, pane }, before, after)
    return false
  }

  onObject({ uri, before, after }: ObjectChange): void {
    const match = LATE.exec(uri)
    // What is put again, byte by byte, has been looked at.
    if (match === null || (before !== undefined && after !== undefined)) return
    must(after !== undefined, () => `${uri} was removed`)
    const id = entryId(match[1]!, match[2]!)
    this.#late.add(id)
    const shard = match[1]!
    const expected = (this.#oracle.late.get(id) ?? []).map((one) => lateRowOf(shard, one))
    lateRows(after)
      .then((found) => mustEqual(found, expected, () => `late rows of ${id}`))
      .catch(this.#fail)
  }

  /** Whether every cursor stands at its shard's newest entry. */
  isDrained(): boolean {
    return [...this.#archive.entries].every(
      ([shard, entries]) => this.#cursors.get(shard) === entries.at(-1)?.entry.last,
    )
  }

  /** A reader's answer: of each slot some state that it once had, perhaps an old one. */
  mustHaveBeen({ key, window, values, result }: FeatureValues, atMs: number): void {
    // A session's bounds depend on which states were read: what it holds in the end is checked then.
    if (window === null || this.#oracle.kind === 'session') return
    const where = `features of ${key} at ${new Date(atMs).toISOString()}`
    const [start, end] = [Date.parse(window.start) * 1000, Date.parse(window.end) * 1000]
    must(start <= atMs * 1000, () => `${where} are of ${window.start}`)
    must(result !== 'final' || end <= this.#finality.closed, () => `${where} are not final`)
    const found = { events: values.events, amount: String(values.amount ?? '0.00') }
    const possible = this.possibleSums(key, { start, end }, () => undefined)
    if (possible === undefined) return
    must(
      possible.some(({ events, cents }) => {
        return events === found.events && amountText(cents) === found.amount
      }),
      () => `${where} never were ${JSON.stringify(found)}`,
    )
  }

  /**
   * What a window of fixed size may be read as: of each of its slots a state that holds at least what `least` says,
   * a position by shard. Undefined if that is too many to tell.
   */
  possibleSums(
    key: string,
    { start, end }: { readonly start: number; readonly end: number },
    least: (shard: string) => string | undefined,
  ): readonly Sum[] | undefined {
    let possible = new Map<string, Sum>([['', NOTHING]])
    for (const [shard, slots] of this.#oracle.contributions) {
      const from = least(shard)
      for (const [id, contributions] of slots) {
        const at = id.indexOf('/')
        const pane = Number(id.slice(0, at))
        if (id.slice(at + 1) !== key || pane < start || pane >= end) continue
        const states = statesFrom(contributions, from)
        const next = new Map<string, Sum>()
        for (const sum of possible.values()) {
          for (const state of states) {
            const both = add(sum, state)
            next.set(`${both.events}/${both.cents}`, both)
          }
        }
        possible = next
        if (possible.size > MOST_SUMS) return undefined
      }
    }
    return [...possible.values()]
  }

  /** Once all is drained: a reader is told exactly what is in time, of every key and window whose slots are there. */
  async mustBeComplete(slots: SlotStore): Promise<void> {
    for (const { key, start, end, events, cents } of this.#oracle.totals()) {
      const at = this.#oracle.lastEventOf({ start, end })
      const sources = { slots, contract: this.#contract }
      const { values, window } = await readFeatures(sources, this.#view, key, at)
      // Asked afterwards: that a slot has gone may have come out just now.
      if (this.#hasExpired(key, start, end)) continue
      // Of sliding windows the answer is the one that ends first after the newest event.
      const isAsked = window === null || Date.parse(window.end) * 1000 === end
      if (!isAsked && this.#oracle.kind === 'sliding') continue
      mustEqual(
        [window?.end ?? null, values.events, String(values.amount)],
        [
          end === Number.POSITIVE_INFINITY ? null : new Date(end / 1000).toISOString(),
          events,
          amountText(cents),
        ],
        () => `features of ${key} at ${new Date(at / 1000).toISOString()}, after all`,
      )
    }
  }

  /** What no window needs that is still open does not stay for ever. */
  mustGo(): void {
    for (const [shard, slots] of this.#slots) {
      for (const id of slots.keys()) {
        const windows = this.#oracle.windowsOf(Number(id.slice(0, id.indexOf('/'))))
        const isFinal = windows.length > 0 && windows.at(-1)!.end <= this.#finality.closed
        must(
          !isFinal || this.#going.has(`${shard}/${id}`),
          () => `slot ${id} of ${shard} stays for ever, although all of its windows are final`,
        )
      }
    }
  }

  #hasExpired(key: string, start: number, end: number): boolean {
    return [...this.#expired].some((id) => {
      const at = id.indexOf('/')
      const pane = Number(id.slice(0, at))
      return id.slice(at + 1) === key && pane >= this.#oracle.paneOf(start) && pane < end
    })
  }

  #checkSlot(
    where: string,
    { shard, key, pane }: { shard: string; key: string; pane: number },
    before: Item | undefined,
    after: Item,
  ): void {
    const sequence = after.sequence!.S as SequenceNumber
    const known = before?.sequence?.S
    if (known === sequence) {
      mustEqual(after.states, before!.states, () => `${where} changed and stayed at ${sequence}`)
      this.#checkExpiry(where, { shard, key, pane }, after)
      this.#going.add(`${shard}/${slotId(key, pane)}`)
      return
    }
    this.#going.delete(`${shard}/${slotId(key, pane)}`)
    must(after.expiresAt === undefined, () => `${where} goes although it is new`)
    must(known === undefined || known < sequence, () => `${where} went back to ${sequence}`)
    const id = slotId(key, pane)
    getOrAdd(this.#slots, shard, () => new Map()).set(id, sequence)
    const all = this.#oracle.contributions.get(shard)?.get(id) ?? []
    const included = all.filter((one) => one.sequence <= sequence)
    const { events, cents } = included.reduce<Sum>(add, NOTHING)
    const expected = {
      events,
      amount: amountText(cents),
      eventTime: {
        min: Math.min(...included.map(({ minMicros }) => minMicros)),
        max: Math.max(...included.map(({ maxMicros }) => maxMicros)),
      },
    }
    slotOf(after, { view: VIEW_NAME, key, paneStart: pane, shard })
      .then((slot) => {
        const [count, amount] = mergedValues(this.#view, this.#contract, [slot])
        const found = { events: count, amount: String(amount), eventTime: slot.eventTime }
        mustEqual(found, expected, () => `${where} at ${sequence}`)
      })
      .catch(this.#fail)
  }

  /** Final, in a row, and kept as long as the stream may still bring what revises it; clocks are an hour off at most. */
  #checkExpiry(
    where: string,
    { shard, key, pane }: { shard: string; key: string; pane: number },
    item: Item,
  ): void {
    // Perhaps not in a row yet: whoever added to it since is met by the next run, days before it goes.
    this.#mustBeClosed(where, shard, key, pane)
    const { stateRetentionDays, stream, maxFutureSkewMinutes } = this.#contract
    const keptMs =
      stateRetentionDays * DAY_MS + stream.retentionHours * HOUR_MS + maxFutureSkewMinutes * 60_000
    const expiresMs = Number(item.expiresAt?.N) * 1000
    const closes = this.#oracle.windowsOf(pane).at(-1)?.end ?? pane
    // Whoever set it may have been long on the way.
    must(
      expiresMs >= this.#finality.finalSinceMs(closes) + keptMs - MOST_CLOCK_SKEW_MS,
      () => `${where} goes at ${new Date(expiresMs).toISOString()}, which is too soon`,
    )
  }

  #checkGone(where: string, shard: string, key: string, pane: number): void {
    this.#mustBeClosed(where, shard, key, pane)
    const id = slotId(key, pane)
    this.#slots.get(shard)!.delete(id)
    this.#expired.add(id)
  }

  #mustBeClosed(where: string, shard: string, key: string, pane: number): void {
    const sequence = this.#slots.get(shard)?.get(slotId(key, pane))
    must(sequence !== undefined, () => `${where} goes without having been there`)
    const { closed } = this.#finality
    const open = this.#oracle.windowsOf(pane).find((window) => window.end > closed)
    must(open === undefined, () => `${where} goes while a window of it is open`)
  }

  #checkCursor(shard: string, item: Item): void {
    const cursor = item.sequence!.S as SequenceNumber
    const known = this.#cursors.get(shard)
    must(known === undefined || known < cursor, () => `cursor of ${shard} went back to ${cursor}`)
    const entries = this.#archive.entriesOf(shard)
    const last = entries.find(({ entry }) => entry.last === cursor)?.entry
    must(last !== undefined, () => `cursor of ${shard} stands at ${cursor}, where no entry ends`)
    mustEqual(
      item.lastEvent === undefined ? undefined : Number(item.lastEvent.N),
      last.maxEventTimeAfter,
      () => `cursor of ${shard} at ${cursor}: greatest event time`,
    )
    for (const { entry } of entries) {
      if (entry.last > cursor || (known !== undefined && entry.last <= known)) continue
      const id = entryId(shard, entry.last)
      const isWritten = this.#late.has(id) || this.#oracle.late.get(id)!.length === 0
      must(
        isWritten,
        () => `cursor of ${shard} stands at ${cursor}, late rows of ${id} are missing`,
      )
    }
    for (const [id, contributions] of this.#oracle.contributions.get(shard) ?? []) {
      const newest = contributions.findLast(({ sequence }) => sequence <= cursor)?.sequence
      // What was there before has been seen to, and may have gone since.
      if (newest === undefined || (known !== undefined && newest <= known)) continue
      const slot = this.#slots.get(shard)?.get(id)
      must(
        slot !== undefined && slot >= newest,
        () => `cursor of ${shard} stands at ${cursor}, slot ${id} at ${slot}`,
      )
    }
    this.#cursors.set(shard, cursor)
    this.#cursorMovedMs = this.#nowMs()
  }
}

/** The states that a slot has had from a position on, also that before its first write if there is no position. */
function statesFrom(contributions: readonly Contribution[], from: string | undefined): Sum[] {
  let state = NOTHING
  const states = [state]
  for (const one of contributions) {
    state = add(state, one)
    if (from !== undefined && one.sequence <= from) states.splice(0)
    states.push(state)
  }
  return states
}

/** A slot as the store reads it; how it is stored is nobody else's business. */
async function slotOf(item: Item, key: Parameters<SlotStore['read']>[0][number]): Promise<Slot> {
  const send = async () => ({ Responses: { [SLOTS_TABLE]: [item] } })
  const client = { send } as unknown as DynamoDBClient
  const [slot] = await new DynamoDbSlotStore({ client, tableName: SLOTS_TABLE }).read([key])
  return slot!
}

/** A late row as it must be, but for what decides its place: the version that judged it. */
function lateRowOf(shard: string, { sequence, index, arrivalMicros, event }: AdmittedEvent) {
  const { atMicros, key } = event.row!
  return [sequence, index, VIEW_NAME, key, event.id, event.source, atMicros, arrivalMicros, shard]
}

const LATE_TEXTS = ['view', 'key', 'event_id', 'event_source', 'shard'] as const

/** By position. */
async function lateRows(bytes: Uint8Array): Promise<readonly (readonly unknown[])[]> {
  const { rows, columns } = await decodeParquet(bytes, [
    'sequence_number',
    'event_index',
    ...LATE_TEXTS,
    'event_time',
    'arrival_time',
  ])
  const text = (name: string, row: number) =>
    utf8At(columns.get(name) as Extract<Column, { kind: 'utf8' }>, row)
  const micros = (name: string, row: number) =>
    Number((columns.get(name) as Extract<Column, { kind: 'int64' }>).values[row])
  const indexes = columns.get('event_index') as Extract<Column, { kind: 'int32' }>
  const found = Array.from({ length: rows }, (_, row) => {
    const [view, key, id, source, shard] = LATE_TEXTS.map((name) => text(name, row))
    const times = [micros('event_time', row), micros('arrival_time', row)]
    const place = [text('sequence_number', row), indexes.values[row]!] as const
    return [...place, view, key, id, source, ...times, shard] as const
  })
  return found.sort((a, b) => (a[0] === b[0] ? a[1] - b[1] : a[0] < b[0] ? -1 : 1))
}
