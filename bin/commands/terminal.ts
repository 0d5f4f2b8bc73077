import { SingleBar } from 'cli-progress'
import Table from 'cli-table3'
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
      format: `${what}  {bar}  {value}/{total} ${unit}  {eta_formatted} left`,
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

/** Columns under a quiet heading; numbers to the right. */
export function table(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  options: { readonly right?: readonly number[] } = {},
): string {
  const rightAligned = new Set(options.right ?? [])
  const quiet = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
    ].map((part) => [part, '']),
  )
  const built = new Table({
    head: head.map((title) => pc.dim(title)),
    chars: { ...quiet, middle: '  ' },
    colAligns: head.map((_, column) => (rightAligned.has(column) ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  built.push(...rows.map((row) => row.map(String)))
  return built
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

/** `12345` → `12,345`. */
export function grouped(value: number | bigint): string {
  return value.toLocaleString('en-US')
}

/** `1 event`, `2 events`. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}
