import type { Column } from './columns.ts'
import { Utf8Builder } from './utf8-builder.ts'

type Utf8Column = Extract<Column, { kind: 'utf8' }>

/**
 * A string column of few values, each for a run of rows: `counts[i]` rows that hold `texts[i]`. It is kept as that, and
 * written out as bytes when somebody asks for them.
 */
export class RunColumn implements Utf8Column {
  readonly kind = 'utf8'
  readonly texts: readonly string[]
  readonly counts: Int32Array
  #written: Utf8Column | undefined

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

  #write(): Utf8Column {
    if (this.#written === undefined) {
      const rows = this.counts.reduce((sum, count) => sum + count, 0)
      const builder = new Utf8Builder(rows, rows * (this.texts[0]?.length ?? 0))
      for (const [i, text] of this.texts.entries()) builder.addRun(text, this.counts[i]!)
      this.#written = builder.finish()
    }
    return this.#written
  }
}
