import { createHash, type Hash } from 'node:crypto'

/** What happened, line by line, or only its hash: two runs with one hash took the same steps. */
export class Trace {
  readonly #hash: Hash = createHash('sha256')
  readonly #write: ((line: string) => void) | undefined

  constructor(write?: (line: string) => void) {
    this.#write = write
  }

  add(nowMs: number, actor: string, what: string): void {
    const line = `${new Date(nowMs).toISOString().slice(5, 23)} ${actor.padEnd(22)} ${what}`
    this.#hash.update(line)
    this.#write?.(line)
  }

  hash(): string {
    return this.#hash.digest('hex').slice(0, 16)
  }
}
