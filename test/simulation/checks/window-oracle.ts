import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { EventRow } from '../cell/events.ts'
import {
  ALLOWED_LATENESS_SECONDS,
  OUT_OF_ORDER_SECONDS,
  STATE_RETENTION_DAYS,
  WINDOWS,
  type WindowKind,
} from '../cell/product.ts'
import { getOrAdd } from '../cloud/dynamodb.ts'
import type { CheckedEntry } from './archive-checks.ts'
import type { AdmittedEvent } from './verdict-oracle.ts'

const SECOND = 1_000_000
const DAY = 86_400 * SECOND

/** What the events of one or more entries add up to. */
export interface Sum {
  readonly events: number
  readonly cents: number
}

export const NOTHING: Sum = { events: 0, cents: 0 }

export function add(a: Sum, b: Sum): Sum {
  return { events: a.events + b.events, cents: a.cents + b.cents }
}

/** What one entry of a shard adds to one key and pane. */
export interface Contribution extends Sum {
  readonly sequence: SequenceNumber
  readonly minMicros: number
  readonly maxMicros: number
}

/** A window of a key. */
export interface KeyWindow {
  readonly key: string
  readonly start: number
  readonly end: number
}

/**
 * What windows have to hold, told from the admitted events one by one: which of them are too late, which pane and
 * which windows each is in. In microseconds, as sent.
 */
export class WindowOracle {
  readonly kind: WindowKind
  /** In time, by shard and slot, in the order of the entries. */
  readonly contributions = new Map<string, Map<string, Contribution[]>>()
  /** Too late, by shard and entry. */
  readonly late = new Map<string, readonly AdmittedEvent[]>()
  readonly #rows: EventRow[] = []

  constructor(kind: WindowKind) {
    this.kind = kind
  }

  onEntry({ entry, verdicts }: CheckedEntry): void {
    const { shard, last } = entry
    const ofShard = getOrAdd(this.contributions, shard, () => new Map<string, Contribution[]>())
    this.late.set(
      entryId(shard, last),
      verdicts.admitted.filter((one) => this.#isLate(one)),
    )
    const added = new Map<string, Contribution>()
    for (const one of verdicts.admitted) {
      if (this.#isLate(one)) continue
      const row = one.event.row!
      this.#rows.push(row)
      const id = slotId(row.key, this.paneOf(row.atMicros))
      const known = added.get(id)
      added.set(id, {
        sequence: last,
        ...add(known ?? NOTHING, { events: 1, cents: row.cents }),
        minMicros: Math.min(row.atMicros, known?.minMicros ?? row.atMicros),
        maxMicros: Math.max(row.atMicros, known?.maxMicros ?? row.atMicros),
      })
    }
    for (const [id, contribution] of added) {
      getOrAdd(ofShard, id, () => []).push(contribution)
    }
  }

  /** Where the pane of an event time starts. */
  paneOf(atMicros: number): number {
    switch (this.kind) {
      case 'running':
        return 0
      case 'session':
        return floor(atMicros, WINDOWS.session.gapSeconds)
      case 'sliding':
        return floor(atMicros, WINDOWS.sliding.slideSeconds)
      case 'tumbling': {
        const { sizeSeconds, offsetSeconds } = WINDOWS.tumbling
        return floor(atMicros - offsetSeconds * SECOND, sizeSeconds) + offsetSeconds * SECOND
      }
    }
  }

  /** The windows of fixed size that a pane is in; the one that ends first comes first. */
  windowsOf(pane: number): readonly { readonly start: number; readonly end: number }[] {
    if (this.kind === 'tumbling') {
      return [{ start: pane, end: pane + WINDOWS.tumbling.sizeSeconds * SECOND }]
    }
    if (this.kind !== 'sliding') return []
    const { sizeSeconds, slideSeconds } = WINDOWS.sliding
    return Array.from({ length: sizeSeconds / slideSeconds }, (_, back) => {
      const end = pane + (back + 1) * slideSeconds * SECOND
      return { start: end - sizeSeconds * SECOND, end }
    })
  }

  /** When a window is final: once everything before this has been seen. */
  closes({ end }: { readonly end: number }): number {
    return this.kind === 'session' ? end + WINDOWS.session.gapSeconds * SECOND : end
  }

  /** A time at which nothing of a window lies in the future, and nothing of a later one is there yet. */
  lastEventOf({ start, end }: { readonly start: number; readonly end: number }): number {
    switch (this.kind) {
      case 'running':
        return start
      case 'session':
        return end - WINDOWS.session.gapSeconds * SECOND
      default:
        return end - 1
    }
  }

  /** Every key and window that anything in time was added to, with all of it. */
  totals(): readonly (KeyWindow & Sum)[] {
    if (this.kind === 'session') return this.#sessions()
    const sums = new Map<string, KeyWindow & Sum>()
    for (const row of this.#rows) {
      for (const { start, end } of this.#windowsOrAll(this.paneOf(row.atMicros))) {
        const id = slotId(row.key, start)
        const sum = add(sums.get(id) ?? NOTHING, { events: 1, cents: row.cents })
        sums.set(id, { key: row.key, start, end, ...sum })
      }
    }
    return [...sums.values()]
  }

  /** By the definition: the pane's end, or a gap after the event, and the lateness that is allowed, have passed. */
  #isLate({ event, arrivalMicros, greatestBefore }: AdmittedEvent): boolean {
    if (this.kind === 'running') return false
    const { atMicros } = event.row!
    const end =
      this.kind === 'session'
        ? atMicros + WINDOWS.session.gapSeconds * SECOND
        : this.windowsOf(this.paneOf(atMicros))[0]!.end
    const watermark =
      greatestBefore === undefined
        ? Number.NEGATIVE_INFINITY
        : greatestBefore - OUT_OF_ORDER_SECONDS * SECOND
    const oldest = arrivalMicros - STATE_RETENTION_DAYS * DAY
    return Math.max(watermark, oldest) >= end + ALLOWED_LATENESS_SECONDS * SECOND
  }

  #windowsOrAll(pane: number) {
    return this.kind === 'running'
      ? [{ start: 0, end: Number.POSITIVE_INFINITY }]
      : this.windowsOf(pane)
  }

  #sessions(): readonly (KeyWindow & Sum)[] {
    const gap = WINDOWS.session.gapSeconds * SECOND
    const sessions: (KeyWindow & Sum)[] = []
    for (const [key, rows] of Map.groupBy(this.#rows, (row) => row.key)) {
      let open: (KeyWindow & Sum) | undefined
      for (const { atMicros, cents } of rows.toSorted((a, b) => a.atMicros - b.atMicros)) {
        const sum = { events: 1, cents }
        if (open !== undefined && atMicros <= open.end) {
          open = { ...open, ...add(open, sum), end: atMicros + gap }
        } else {
          if (open !== undefined) sessions.push(open)
          open = { key, start: atMicros, end: atMicros + gap, ...sum }
        }
      }
      if (open !== undefined) sessions.push(open)
    }
    return sessions
  }
}

export function slotId(key: string, pane: number): string {
  return `${pane}/${key}`
}

export function entryId(shard: string, last: string): string {
  return `${shard}/${last}`
}

/** Digits of an amount in cents, as the contract's decimal prints them. */
export function amountText(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}

function floor(micros: number, seconds: number): number {
  const width = seconds * SECOND
  return Math.floor(micros / width) * width
}
