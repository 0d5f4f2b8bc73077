import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { ObjectStore, ObjectSummary, PutOptions } from '#lib/domain/kernel/object-store.ts'

interface StoredObject {
  readonly body: Uint8Array
  readonly lastModifiedMs: number
  readonly options: PutOptions
}

/** Objects in this process's memory. Bodies are copied in and out: nobody can change what is stored. */
export class MemoryObjectStore implements ObjectStore, ObjectRemover {
  readonly #objects = new Map<string, StoredObject>()
  readonly #clock: Clock

  constructor(props: { readonly clock: Clock }) {
    this.#clock = props.clock
  }

  async get(uri: string): Promise<Uint8Array> {
    const stored = this.#objects.get(uri)
    if (stored) return stored.body.slice()
    throw new PlatformError('objects.notFound', `there is no object ${uri}`, { context: { uri } })
  }

  async put(uri: string, body: Uint8Array, options: PutOptions = {}): Promise<void> {
    // Not `slice`: a Buffer's slice shares its memory.
    const copy = Uint8Array.from(body)
    this.#objects.set(uri, { body: copy, lastModifiedMs: this.#clock.nowMs(), options })
  }

  async putIfAbsent(
    uri: string,
    body: Uint8Array,
    options: PutOptions = {},
  ): Promise<'created' | 'exists'> {
    if (this.#objects.has(uri)) return 'exists'
    await this.put(uri, body, options)
    return 'created'
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    const found = [...this.#objects].filter(([uri]) => uri.startsWith(prefix))
    const inOrder = found.sort(([left], [right]) =>
      Buffer.compare(Buffer.from(left), Buffer.from(right)),
    )
    for (const [uri, { body, lastModifiedMs }] of inOrder) {
      yield { uri, sizeBytes: body.length, lastModifiedMs }
    }
  }

  async remove(uris: readonly string[]): Promise<void> {
    for (const uri of uris) this.#objects.delete(uri)
  }

  /** What an object was stored with, for those who check how it was sealed. */
  optionsOf(uri: string): PutOptions | undefined {
    return this.#objects.get(uri)?.options
  }
}
