import type { ObjectStore, ObjectSummary, PutOptions } from '../kernel/object-store.ts'

/** As much as a committer's memory can spare; a table's metadata is far below it until maintenance is overdue. */
const MOST_BYTES = 32 * 1024 * 1024

/**
 * A store that remembers the table metadata which this process created: its own last commit is what the next one starts
 * from. Safe because such objects have names that nobody else can have chosen, and are never written again; what another
 * committer wrote has another name, and is read.
 */
export class RememberedMetadata implements ObjectStore {
  readonly #store: ObjectStore
  readonly #mostBytes: number
  readonly #bodies = new Map<string, Uint8Array>()
  #bytes = 0

  constructor(store: ObjectStore, mostBytes = MOST_BYTES) {
    this.#store = store
    this.#mostBytes = mostBytes
  }

  async get(uri: string): Promise<Uint8Array> {
    return this.#bodies.get(uri) ?? (await this.#store.get(uri))
  }

  put(uri: string, body: Uint8Array, options?: PutOptions): Promise<void> {
    this.#forget(uri)
    return this.#store.put(uri, body, options)
  }

  async putIfAbsent(
    uri: string,
    body: Uint8Array,
    options?: PutOptions,
  ): Promise<'created' | 'exists'> {
    const outcome = await this.#store.putIfAbsent(uri, body, options)
    if (outcome === 'created' && isMetadata(uri)) this.#remember(uri, body)
    return outcome
  }

  list(prefix: string): AsyncIterable<ObjectSummary> {
    return this.#store.list(prefix)
  }

  #remember(uri: string, body: Uint8Array): void {
    this.#bodies.set(uri, body)
    this.#bytes += body.byteLength
    for (const oldest of this.#bodies.keys()) {
      if (this.#bytes <= this.#mostBytes) return
      this.#forget(oldest)
    }
  }

  #forget(uri: string): void {
    this.#bytes -= this.#bodies.get(uri)?.byteLength ?? 0
    this.#bodies.delete(uri)
  }
}

/** Metadata files, manifest lists and manifests. */
function isMetadata(uri: string): boolean {
  return /\/metadata\/[^/]+$/.test(uri)
}
