import { stripVTControlCharacters } from 'node:util'
import { SingleBar } from 'cli-progress'
import pc from 'picocolors'
import { stringifyExact } from '#lib/domain/lake/exact-json.ts'

/** A stream to print to; `isTTY` decides about colours and progress. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Progress of one piece of work with a known amount. */
export interface Bar {
  /** How much is done; the total may become known, or grow, on the way. */
  update(done: number, total?: number): void
  stop(): void
}

const SILENT: Bar = { update() {}, stop() {} }

/**
 * What a command says, and where: the answer goes to stdout, as text or as one JSON document; everything else
 * goes to stderr, and progress only if that is a terminal.
 */
export class Terminal {
  readonly json: boolean
  readonly #stdout: Output
  readonly #stderr: Output
  #bar: SingleBar | undefined

  constructor(options: { json: boolean; stdout: Output; stderr: Output }) {
    this.json = options.json
    this.#stdout = options.stdout
    this.#stderr = options.stderr
  }

  /** The answer for people; nothing with `--json`. */
  line(text = ''): void {
    if (!this.json) this.#stdout.write(`${text}\n`)
  }

  /** The answer for programs; nothing without `--json`. Numbers keep all their digits. */
  document(value: unknown): void {
    if (this.json) this.#stdout.write(`${stringifyExact(value)}\n`)
  }

  /** One line about something that is wrong, always to stderr. */
  problem(text: string): void {
    this.#stderr.write(`${this.#stderr.isTTY ? pc.red(text) : text}\n`)
  }

  /** A passing remark about long work: only for somebody who looks on. */
  remark(text: string): void {
    if (this.#stderr.isTTY && this.#bar === undefined) this.#stderr.write(`${pc.dim(text)}\n`)
  }

  /** A progress bar: what, how much, how long still. Silent in a pipe. */
  progress(what: string, total: number, unit: string): Bar {
    if (!this.#stderr.isTTY || this.#bar !== undefined) return SILENT
    const bar = new SingleBar({
      stream: this.#stderr as NodeJS.WritableStream,
      format: `${what}  {bar}  {value}/{total} ${unit}{eta_formatted}`,
      formatTime: timeLeft,
      barCompleteChar: '━',
      barIncompleteChar: '─',
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
    })
    this.#bar = bar
    bar.start(Math.max(total, 1), 0)
    return {
      update(done, newTotal) {
        if (newTotal !== undefined) bar.setTotal(Math.max(newTotal, 1))
        bar.update(done)
      },
      stop: () => {
        if (this.#bar !== bar) return
        bar.stop()
        this.#bar = undefined
      },
    }
  }

  /** Gives the terminal back as it was, whatever was going on. */
  restore(): void {
    this.#bar?.stop()
    this.#bar = undefined
  }
}

/** `  1m05s left`; nothing while nobody can tell. */
export function timeLeft(seconds: unknown): string {
  const left = Number(seconds)
  if (!Number.isFinite(left) || left <= 0) return ''
  const two = (value: number) => String(value).padStart(2, '0')
  if (left < 60) return `  ${Math.round(left)}s left`
  const minutes = Math.floor(left / 60)
  if (minutes < 60) return `  ${minutes}m${two(Math.round(left) % 60)}s left`
  return `  ${Math.floor(minutes / 60)}h${two(minutes % 60)}m left`
}

/**
 * Columns under a quiet heading; numbers to the right. Linear in the rows: a query may answer with a hundred thousand.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  options: { readonly right?: readonly number[] } = {},
): string {
  const right = new Set(options.right ?? [])
  const cells = rows.map((row) => row.map(String))
  const widths = head.map((title, column) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[column] ?? '')), widthOf(title)),
  )
  const lineOf = (row: readonly string[]) => {
    const padded = row.map((cell, column) => {
      const gap = ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell)))
      return right.has(column) ? gap + cell : cell + gap
    })
    return padded.join('  ').trimEnd()
  }
  return [pc.dim(lineOf(head)), ...cells.map(lineOf)].join('\n')
}

/** Places on a terminal: colours take none, a code point takes one. */
function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length
}

/** `12345` → `12,345`. */
export function grouped(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

/** `1 event`, `2 events`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}
