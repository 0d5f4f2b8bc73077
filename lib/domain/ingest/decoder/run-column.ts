import type { Column } from '#lib/domain/kernel/columns.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/**
 * A string column of few values, each for a run of rows: `counts[i]` rows that hold `texts[i]`. It is kept as that, and
 * written out as bytes when somebody asks for them.
 */
export class RunColumn implements Utf8Column {
  readonly kind = 'utf8'
  readonly texts: readonly string[]
  readonly counts: Int32Array
  #written: { readonly bytes: Uint8Array; readonly offsets: Int32Array } | undefined

  constructor(texts: readonly string[], counts: Int32Array) {
    this.texts = texts
    this.counts = counts
  }

  get bytes(): Uint8Array {
    return this.#write().bytes
  }

  get offsets(): Int32Array {
    return this.#write().offsets
  }

  #write(): { readonly bytes: Uint8Array; readonly offsets: Int32Array } {
    if (this.#written !== undefined) return this.#written
    const { texts, counts } = this
    const encoded = texts.map((text) => encoder.encode(text))
    let rows = 0
    let total = 0
    for (const [i, text] of encoded.entries()) {
      rows += counts[i]!
      total += counts[i]! * text.length
    }
    const bytes = new Uint8Array(total)
    const offsets = new Int32Array(rows + 1)
    let row = 0
    for (const [i, text] of encoded.entries()) {
      for (let k = counts[i]!; k > 0; k--) {
        bytes.set(text, offsets[row])
        offsets[row + 1] = offsets[row]! + text.length
        row++
      }
    }
    this.#written = { bytes, offsets }
    return this.#written
  }
}

const encoder = new TextEncoder()
