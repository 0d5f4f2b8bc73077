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
  reset(): void
}

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
      options: { readonly step: 'deserialize'; readonly priority: 'low'; readonly name: string },
    ): void
  }
}

/** A ledger with nothing in it. */
export function createLedger(): Ledger {
  const entries = new Map<string, { calls: number; requestBytes: number }>()
  return {
    attach(client) {
      // The deserialize step lies inside the SDK's retries: it runs once for each request on the wire.
      client.middlewareStack.add(
        (next, context) => (args) => {
          const entry = entries.get(nameOf(context)) ?? { calls: 0, requestBytes: 0 }
          entry.calls += 1
          entry.requestBytes += bodyBytes(args)
          entries.set(nameOf(context), entry)
          return next(args)
        },
        { step: 'deserialize', priority: 'low', name: 'weirLedger' },
      )
    },
    snapshot: () =>
      Object.fromEntries(
        [...entries]
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([name, entry]) => [name, { ...entry }]),
      ),
    reset: () => entries.clear(),
  }
}

function nameOf({ clientName = 'Unknown', commandName = 'Unknown' }: CallContext): string {
  return `${clientName.replace(/Client$/, '')}.${commandName.replace(/Command$/, '')}`
}

function bodyBytes(args: { readonly request?: { readonly body?: unknown } }): number {
  const body = args.request?.body
  if (typeof body === 'string') return Buffer.byteLength(body)
  return body instanceof Uint8Array ? body.byteLength : 0
}
