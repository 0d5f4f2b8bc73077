import { type BilledCall, type BilledUnits, billedUnits, type Meter } from './billed-units.ts'

/** Calls as AWS bills them: each try counts, whether it succeeded or not. */
export interface LedgerEntry {
  readonly calls: number
  /** Of the request bodies. */
  readonly requestBytes: number
}

/** By service and operation, e.g. `S3.PutObject`. */
export type LedgerSnapshot = Readonly<Record<string, LedgerEntry>>

export interface Ledger {
  /** Counts all further calls of this client; any number of clients may share a ledger. */
  attach(client: Attachable): void
  /** What was counted so far, in the order of the names. */
  snapshot(): LedgerSnapshot
  /** What a bill multiplies with its prices, for the same calls. */
  units(): BilledUnits
  reset(): void
}

interface Try {
  readonly input: BilledCall['input']
  readonly request?: { readonly body?: unknown }
}
type Answer = { readonly output?: BilledCall['output'] }
type Next = (args: never) => Promise<unknown>

interface CallContext {
  readonly clientName?: string
  readonly commandName?: string
}

/** As much of an SDK client as the ledger touches. */
export interface Attachable {
  readonly middlewareStack: {
    add(
      middleware: (next: Next, context: CallContext) => Next,
      options: { readonly step: 'deserialize'; readonly priority: 'high'; readonly name: string },
    ): void
  }
}

/** A ledger with nothing in it. */
export function createLedger(): Ledger {
  const entries = new Map<string, { calls: number; requestBytes: number }>()
  const meters = new Map<Meter, number>()
  const bill = (call: BilledCall) => {
    for (const [meter, units] of Object.entries(billedUnits(call)) as [Meter, number][]) {
      meters.set(meter, (meters.get(meter) ?? 0) + units)
    }
  }
  return {
    attach(client) {
      // The deserialize step lies inside the SDK's retries: it runs once for each request on the wire.
      client.middlewareStack.add(
        (next, context) => async (args) => {
          const { input, request } = args as Try
          const call = { ...namesOf(context), input }
          const name = `${call.service}.${call.operation}`
          const entry = entries.get(name) ?? { calls: 0, requestBytes: 0 }
          entry.calls += 1
          entry.requestBytes += bodyBytes(request?.body)
          entries.set(name, entry)
          let output: Answer['output']
          try {
            const answer = await next(args)
            output = (answer as Answer).output
            return answer
          } finally {
            bill({ ...call, ...(output === undefined ? {} : { output }) })
          }
        },
        // High: around the SDK's own deserializer, so that the answer is there to be measured.
        { step: 'deserialize', priority: 'high', name: 'weirLedger' },
      )
    },
    snapshot: () =>
      Object.fromEntries(
        [...entries].sort(byName).map(([name, entry]) => [name, { ...entry }] as const),
      ),
    units: () => Object.fromEntries([...meters].sort(byName)),
    reset: () => {
      entries.clear()
      meters.clear()
    },
  }
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1
}

function namesOf({ clientName = 'Unknown', commandName = 'Unknown' }: CallContext) {
  return {
    service: clientName.replace(/Client$/, ''),
    operation: commandName.replace(/Command$/, ''),
  }
}

function bodyBytes(body: unknown): number {
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body instanceof Uint8Array ? body.byteLength : 0
}
