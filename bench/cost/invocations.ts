import type { Ledger } from '#lib/adapters/aws/ledger.ts'

export type FunctionName = 'archive-events' | 'commit-snapshots' | 'update-windows'

export interface InvocationTotals {
  readonly invocations: number
  /** Processor time of this process, this machine. */
  readonly cpuMs: number
  /** Calls to stores, by service and operation. */
  readonly calls: Readonly<Record<string, number>>
}

const NONE: InvocationTotals = { invocations: 0, cpuMs: 0, calls: {} }

/** Counts what the functions' invocations would have spent. One at a time: their calls are told apart by time. */
export class Invocations {
  readonly #ledger: Ledger
  readonly #totals = new Map<FunctionName, InvocationTotals>()

  constructor(ledger: Ledger) {
    this.#ledger = ledger
  }

  async run(name: FunctionName, work: () => Promise<void>): Promise<void> {
    const callsBefore = this.#ledger.snapshot()
    const cpuBefore = process.cpuUsage()
    await work()
    const cpu = process.cpuUsage(cpuBefore)
    const before = this.#totals.get(name) ?? NONE
    const calls = { ...before.calls }
    for (const [call, { calls: count }] of Object.entries(this.#ledger.snapshot())) {
      const made = count - (callsBefore[call]?.calls ?? 0)
      if (made > 0) calls[call] = (calls[call] ?? 0) + made
    }
    this.#totals.set(name, {
      invocations: before.invocations + 1,
      cpuMs: before.cpuMs + (cpu.user + cpu.system) / 1000,
      calls,
    })
  }

  totals(): Readonly<Record<FunctionName, InvocationTotals>> {
    const of = (name: FunctionName) => this.#totals.get(name) ?? NONE
    return {
      'archive-events': of('archive-events'),
      'commit-snapshots': of('commit-snapshots'),
      'update-windows': of('update-windows'),
    }
  }

  reset(): void {
    this.#totals.clear()
  }
}
