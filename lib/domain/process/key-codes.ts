import type { Column } from '#lib/domain/kernel/columns.ts'
import { Decimal } from '#lib/domain/kernel/decimal.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** A key column as small numbers: rows with one key have one code, in the order of first occurrence. */
export interface KeyCodes {
  /** Per row; −1 where the row has no key. */
  readonly codes: Int32Array
  readonly count: number
  /** The key of a code as slots are filed under it: decimals with their scale, booleans as words. */
  text(code: number): string
}

/** Numbers the keys of a column; `scale` is that of a decimal. Throws `view.invalid` for a nested column. */
export function keyCodes(column: Column, rows: number, scale = 0): KeyCodes {
  switch (column.kind) {
    case 'utf8':
      return textCodes(column, rows)
    case 'int64':
      return longCodes(column, rows, scale)
    case 'int32':
    case 'float64':
      return numberCodes(column.values, column.nulls, rows, String)
    case 'boolean':
      return numberCodes(column.values, column.nulls, rows, (value) => String(value === 1))
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} cannot be a key`)
  }
}

function numberCodes(
  values: { readonly [row: number]: number },
  nulls: Uint8Array | undefined,
  rows: number,
  textOf: (value: number) => string,
): KeyCodes {
  const codes = new Int32Array(rows)
  const codeOf = new Map<number, number>()
  const distinct: number[] = []
  for (let row = 0; row < rows; row++) {
    if (nulls !== undefined && nulls[row] === 1) {
      codes[row] = -1
      continue
    }
    const value = values[row]!
    let code = codeOf.get(value)
    if (code === undefined) {
      code = distinct.push(value) - 1
      codeOf.set(value, code)
    }
    codes[row] = code
  }
  return { codes, count: distinct.length, text: (code) => textOf(distinct[code]!) }
}

function longCodes(
  column: Extract<Column, { kind: 'int64' }>,
  rows: number,
  scale: number,
): KeyCodes {
  const { values, nulls } = column
  const halves = new Int32Array(values.buffer, values.byteOffset, 2 * values.length)
  const table: CodeTable = new CodeTable((code, row) => {
    const first = table.firstRows[code]!
    return halves[2 * first] === halves[2 * row] && halves[2 * first + 1] === halves[2 * row + 1]
  })
  const codes = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    codes[row] =
      nulls !== undefined && nulls[row] === 1
        ? -1
        : table.codeOf(row, mixed(halves[2 * row]!, halves[2 * row + 1]!))
  }
  const { firstRows } = table
  return {
    codes,
    count: firstRows.length,
    text: (code) => new Decimal(values[firstRows[code]!]!, scale).toString(),
  }
}

function textCodes(column: Extract<Column, { kind: 'utf8' }>, rows: number): KeyCodes {
  const { bytes, offsets, nulls } = column
  const table: CodeTable = new CodeTable((code, row) => {
    const first = offsets[table.firstRows[code]!]!
    const start = offsets[row]!
    const length = offsets[row + 1]! - start
    if (offsets[table.firstRows[code]! + 1]! - first !== length) return false
    for (let i = 0; i < length; i++) if (bytes[first + i] !== bytes[start + i]) return false
    return true
  })
  const codes = new Int32Array(rows)
  for (let row = 0; row < rows; row++) {
    if (nulls !== undefined && nulls[row] === 1) {
      codes[row] = -1
      continue
    }
    let hash = 0
    for (let at = offsets[row]!; at < offsets[row + 1]!; at++) {
      hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
    }
    codes[row] = table.codeOf(row, mixed(hash, offsets[row + 1]! - offsets[row]!))
  }
  const { firstRows } = table
  return {
    codes,
    count: firstRows.length,
    text: (code) => {
      const row = firstRows[code]!
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
        'utf8',
        offsets[row],
        offsets[row + 1],
      )
    },
  }
}

function mixed(a: number, b: number): number {
  let hash = Math.imul(a ^ (b >>> 15), 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  hash ^= hash >>> 16
  return Math.imul(hash, 0xc2b2ae35) >>> 0
}

/** Open addressing over the rows where a key occurred first. */
class CodeTable {
  readonly firstRows: number[] = []
  readonly #isSame: (code: number, row: number) => boolean
  #slots = new Int32Array(256).fill(-1)
  #hashes = new Uint32Array(128)

  constructor(isSame: (code: number, row: number) => boolean) {
    this.#isSame = isSame
  }

  codeOf(row: number, hash: number): number {
    const mask = this.#slots.length - 1
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const code = this.#slots[at]!
      if (code === -1) return this.#add(row, hash, at)
      if (this.#hashes[code] === hash && this.#isSame(code, row)) return code
    }
  }

  #add(row: number, hash: number, at: number): number {
    const code = this.firstRows.push(row) - 1
    this.#hashes[code] = hash
    this.#slots[at] = code
    // Half full at most: probes stay short whatever the keys are.
    if (2 * (code + 1) >= this.#slots.length) this.#grow()
    return code
  }

  #grow(): void {
    const slots = new Int32Array(2 * this.#slots.length).fill(-1)
    const hashes = new Uint32Array(slots.length / 2)
    hashes.set(this.#hashes)
    for (let code = 0; code < this.firstRows.length; code++) {
      let at = hashes[code]! & (slots.length - 1)
      while (slots[at] !== -1) at = (at + 1) & (slots.length - 1)
      slots[at] = code
    }
    this.#slots = slots
    this.#hashes = hashes
  }
}
