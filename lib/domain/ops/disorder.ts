import type { Random } from './seeded-random.ts'

/** Something that happened at a time. */
export interface Timed {
  /** UTC micros; undefined if it does not say: then it counts as the moment of the one before it. */
  readonly eventTime: number | undefined
}

export interface DisorderOptions {
  /** How far, in event time, an item may move behind others. 0 changes nothing. */
  readonly shuffleMicros: number
  readonly random: Random
  /** Items that are held back at most, so that memory is bounded whatever the times say. @default 100,000 */
  readonly maxHeld?: number
}

interface Held<T> {
  readonly position: number
  readonly arrival: number
  readonly item: T
}

/**
 * The same items, displaced as a network would: each may come later by up to the given event time. Repeatable from the
 * seed; items that are further apart than that keep their order.
 */
export async function* disordered<T extends Timed>(
  items: AsyncIterable<T>,
  options: DisorderOptions,
): AsyncGenerator<T> {
  const { shuffleMicros, random, maxHeld = 100_000 } = options
  if (shuffleMicros === 0) {
    yield* items
    return
  }
  const held: Held<T>[] = []
  let now = Number.NEGATIVE_INFINITY
  let arrival = 0
  for await (const item of items) {
    // Time does not run backwards: an item out of order in the file is where the file has it.
    now = Math.max(now, item.eventTime ?? now)
    const base = Number.isFinite(now) ? now : 0
    push(held, { position: base + Math.floor(random() * shuffleMicros), arrival: arrival++, item })
    while (held.length > maxHeld || (held[0] !== undefined && held[0].position < base)) {
      yield pop(held)!.item
    }
  }
  for (let next = pop(held); next !== undefined; next = pop(held)) yield next.item
}

/** Whether a goes before b: by position, and in the order of arrival where these are equal. */
function before<T>(a: Held<T>, b: Held<T>): boolean {
  return a.position !== b.position ? a.position < b.position : a.arrival < b.arrival
}

function push<T>(heap: Held<T>[], one: Held<T>): void {
  heap.push(one)
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1
    if (!before(heap[at]!, heap[parent]!)) return
    swap(heap, at, parent)
    at = parent
  }
}

function pop<T>(heap: Held<T>[]): Held<T> | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (first === undefined || last === undefined || heap.length === 0) return first
  heap[0] = last
  for (let at = 0; ; ) {
    const [left, right] = [2 * at + 1, 2 * at + 2]
    let least = at
    if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
    if (right < heap.length && before(heap[right]!, heap[least]!)) least = right
    if (least === at) return first
    swap(heap, at, least)
    at = least
  }
}

function swap<T>(heap: Held<T>[], a: number, b: number): void {
  const kept = heap[a]!
  heap[a] = heap[b]!
  heap[b] = kept
}
