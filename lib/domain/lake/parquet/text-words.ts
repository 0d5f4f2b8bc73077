import type { DenseTexts } from './dense-values.ts'

/** Looks at texts four bytes at a time. */
export class TextWords {
  readonly #texts: DenseTexts
  readonly #view: DataView

  constructor(texts: DenseTexts) {
    const { buffer, byteOffset, length } = texts.bytes
    this.#texts = texts
    this.#view = new DataView(buffer, byteOffset, length)
  }

  /** The order is that of UTF-8, which is code point order and not that of JavaScript's strings. */
  compare(left: number, right: number): number {
    const { starts, ends } = this.#texts
    const view = this.#view
    const [leftEnd, rightEnd] = [ends[left]!, ends[right]!]
    let at = starts[left]!
    let other = starts[right]!
    for (; at + 4 <= leftEnd && other + 4 <= rightEnd; at += 4, other += 4) {
      const [word, otherWord] = [view.getUint32(at), view.getUint32(other)]
      if (word !== otherWord) return word < otherWord ? -1 : 1
    }
    for (; at < leftEnd && other < rightEnd; at++, other++) {
      const difference = view.getUint8(at) - view.getUint8(other)
      if (difference !== 0) return difference
    }
    return leftEnd - at - (rightEnd - other)
  }

  areEqual(left: number, right: number): boolean {
    const { starts, ends } = this.#texts
    const view = this.#view
    const end = ends[left]!
    let at = starts[left]!
    let other = starts[right]!
    if (end - at !== ends[right]! - other) return false
    for (; at + 4 <= end; at += 4, other += 4) {
      if (view.getInt32(at, true) !== view.getInt32(other, true)) return false
    }
    for (; at < end; at++, other++) if (view.getUint8(at) !== view.getUint8(other)) return false
    return true
  }

  /** The first four bytes as a number that is in the order of the texts; zeros after a shorter one. */
  prefix(text: number): number {
    const at = this.#texts.starts[text]!
    const length = this.#texts.ends[text]! - at
    const view = this.#view
    if (length >= 4) return view.getUint32(at)
    let prefix = 0
    for (let i = 0; i < length; i++) prefix += view.getUint8(at + i) * 2 ** (24 - 8 * i)
    return prefix
  }

  hash(text: number): number {
    const end = this.#texts.ends[text]!
    const view = this.#view
    let at = this.#texts.starts[text]!
    let hash = end - at
    for (; at + 4 <= end; at += 4) {
      hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    for (; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    return hash ^ (hash >>> 13)
  }
}
