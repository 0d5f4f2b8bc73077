import type { Column } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { HalfSipHash, type HashKey } from '#lib/domain/kernel/half-sip-hash.ts'
import { NO_GROUP, wordsOf } from './grouped-rows.ts'
import { tokenOf } from './hyperloglog.ts'

/** Public and for ever: states of different times, shards and cells have to meet. Says "weir/dis". */
const KEY: HashKey = { low: 0x72696577, high: 0x7369642f }

/**
 * The token of each row that belongs to a group: of texts by their UTF-8, of all integers, decimals and times by
 * their 64 bits (an int that a contract widens to a long stays the same value), of doubles by theirs, zero without sign.
 */
export function columnTokens(column: Column, groups: Int32Array): Uint32Array {
  switch (column.kind) {
    case 'utf8':
      return textTokens(column.bytes, column.offsets, groups)
    case 'int32':
      return wordTokens(groups, (row, words) => {
        words[0] = column.values[row]!
        words[1] = column.values[row]! >> 31
      })
    case 'int64':
    case 'float64': {
      const { signed } = wordsOf(column.values)
      const hasSignedZero = column.kind === 'float64'
      return wordTokens(groups, (row, words) => {
        words[0] = signed[2 * row]!
        words[1] = signed[2 * row + 1]!
        if (hasSignedZero && column.values[row] === 0) words[1] = 0
      })
    }
    default:
      throw new PlatformError('view.invalid', `a ${column.kind} column has no hash`)
  }
}

function textTokens(bytes: Uint8Array, offsets: Int32Array, groups: Int32Array): Uint32Array {
  const hash = new HalfSipHash(KEY)
  const tokens = new Uint32Array(groups.length)
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    hash.digest(bytes, offsets[row]!, offsets[row + 1]!)
    tokens[row] = tokenOf(hash.first, hash.second)
  }
  return tokens
}

function wordTokens(
  groups: Int32Array,
  fill: (row: number, words: Int32Array) => void,
): Uint32Array {
  const hash = new HalfSipHash(KEY)
  const words = new Int32Array(2)
  const bytes = new Uint8Array(words.buffer)
  const tokens = new Uint32Array(groups.length)
  for (let row = 0; row < groups.length; row++) {
    if (groups[row] === NO_GROUP) continue
    fill(row, words)
    hash.digest(bytes, 0, 8)
    tokens[row] = tokenOf(hash.first, hash.second)
  }
  return tokens
}
