import { PlatformError } from '#lib/domain/kernel/errors.ts'

/**
 * The stored form of a function's states: a list whose first member says function and version, `["sum/1", …]`. The
 * function is named because a slot outlives the definition it was made by: read as another function's, a state would
 * be a wrong number instead of an error.
 */
export interface StoredForm<State> {
  /** What this code writes, `sum/1`; with the options that two states must share to be merged, `topk/1:100`. */
  readonly tag: string
  write(state: State): readonly unknown[]
  /** What this code reads, by tag; undefined where the parts are not those of that version. */
  readonly readers: Readonly<Record<string, (parts: readonly unknown[]) => State | undefined>>
  /** Reads what was stored before states named their version. */
  readonly readUntagged?: (stored: unknown) => State | undefined
}

export function writeStored<State>(form: StoredForm<State>, state: State): unknown {
  return [form.tag, ...form.write(state)]
}

/** Throws `view.stateUnreadable`: `aggregate` is the name that a person knows it by. */
export function readStored<State>(
  aggregate: string,
  form: StoredForm<State>,
  stored: unknown,
): State {
  const tag: unknown = Array.isArray(stored) ? stored[0] : undefined
  if (Array.isArray(stored) && typeof tag === 'string') {
    const read = Object.hasOwn(form.readers, tag) ? form.readers[tag] : undefined
    if (read === undefined) {
      throw unreadable(
        aggregate,
        `a stored state is "${tag.slice(0, 40)}", this code reads ${Object.keys(form.readers).join(', ')}: deploy the code that wrote it, or give the redefined view a new name`,
      )
    }
    const state = read(stored.slice(1))
    if (state !== undefined) return state
    throw unreadable(aggregate, `a stored state is damaged: it is no "${tag}"`)
  }
  const state = form.readUntagged?.(stored)
  if (state !== undefined) return state
  throw unreadable(aggregate, 'a stored state has no version that this code knows')
}

function unreadable(aggregate: string, problem: string): PlatformError {
  return new PlatformError('view.stateUnreadable', `aggregate "${aggregate}": ${problem}`)
}

/** JSON has no 64-bit integers: a number where a double is exact, else digits. */
export function integerToStored(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

export function integerFromStored(stored: unknown): bigint | undefined {
  if (Number.isSafeInteger(stored)) return BigInt(stored as number)
  return typeof stored === 'string' && /^-?\d+$/.test(stored) ? BigInt(stored) : undefined
}

/** A count of rows. */
export function countFromStored(stored: unknown): number | undefined {
  return Number.isSafeInteger(stored) && (stored as number) >= 0 ? (stored as number) : undefined
}

/** Base64: a JSON string of few bytes that a store keeps as it is. */
export function bytesToStored(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
}

/** In memory of their own, so that they may be read as words. */
export function bytesFromStored(stored: unknown): Uint8Array<ArrayBuffer> | undefined {
  if (typeof stored !== 'string') return undefined
  const bytes = new Uint8Array(Buffer.from(stored, 'base64'))
  return bytesToStored(bytes) === stored ? bytes : undefined
}
