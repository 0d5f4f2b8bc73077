import type { ByteMemory } from './byte-memory.ts'

/** Finds which of some fixed texts stands at a place of the memory: a hash over its ends, then every byte. */
export class KeyTable {
  readonly #keys: readonly Uint8Array[]
  readonly #views: readonly DataView[]
  readonly #slots: Int16Array
  readonly #mask: number

  constructor(texts: readonly string[]) {
    this.#keys = texts.map((text) => {
      // Room to read words across the end.
      const key = new Uint8Array(Buffer.byteLength(text) + 4)
      Buffer.from(text).copy(key)
      return key.subarray(0, -4)
    })
    this.#views = this.#keys.map((key) => new DataView(key.buffer))
    let size = 16
    while (size < texts.length * 4) size *= 2
    this.#mask = size - 1
    this.#slots = new Int16Array(size).fill(-1)
    this.#views.forEach((view, index) => {
      let slot = this.#hash(view, 0, this.#keys[index]!.length)
      while (this.#slots[slot] !== -1) slot = (slot + 1) & this.#mask
      this.#slots[slot] = index
    })
  }

  /** The index of the text; -1 if it is none of them. */
  find(memory: ByteMemory, start: number, length: number): number {
    const { view } = memory
    const slots = this.#slots
    const mask = this.#mask
    for (let slot = this.#hash(view, start, length); ; slot = (slot + 1) & mask) {
      const index = slots[slot]!
      if (index < 0) return -1
      if (
        this.#keys[index]!.length === length &&
        this.#isAt(this.#views[index]!, view, start, length)
      ) {
        return index
      }
    }
  }

  #isAt(key: DataView, view: DataView, start: number, length: number): boolean {
    const last = length & ~3
    for (let i = 0; i < last; i += 4) {
      if (key.getInt32(i, true) !== view.getInt32(start + i, true)) return false
    }
    const tail = (1 << ((length & 3) << 3)) - 1
    return ((key.getInt32(last, true) ^ view.getInt32(start + last, true)) & tail) === 0
  }

  #hash(view: DataView, start: number, length: number): number {
    // Words before the start of a short text would tell where it stands: it is masked instead.
    const first = length >= 4 ? view.getInt32(start, true) : shortWord(view, start, length)
    const last = length >= 4 ? view.getInt32(start + length - 4, true) : 0
    const mixed = Math.imul(first ^ Math.imul(last, 0x9e3779b1) ^ length, 0x85ebca6b)
    return ((mixed >>> 16) ^ mixed) & this.#mask
  }
}

function shortWord(view: DataView, start: number, length: number): number {
  return view.getInt32(start, true) & ((1 << (length << 3)) - 1)
}
