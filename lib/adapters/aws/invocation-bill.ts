import type { Ledger } from './ledger.ts'

export interface InvocationBillProps {
  /** Which the function's clients are attached to. */
  readonly ledger: Ledger
  readonly memoryMib: number
  /** Milliseconds, of any beginning. */
  readonly nowMs: () => number
}

/** What one invocation of a function is billed: its calls, itself and its time. */
export async function billed<Result>(
  { ledger, memoryMib, nowMs }: InvocationBillProps,
  work: () => Promise<Result>,
  note: (units: Readonly<Record<string, number>>) => Promise<void>,
): Promise<Result> {
  ledger.reset()
  const startedAtMs = nowMs()
  try {
    return await work()
  } finally {
    const seconds = (nowMs() - startedAtMs) / 1000
    await note({
      ...ledger.units(),
      'lambda.requests': 1,
      'lambda.armGbSeconds': (memoryMib / 1024) * seconds,
    })
  }
}
