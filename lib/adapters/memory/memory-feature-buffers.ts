import type {
  BufferItem,
  BufferKey,
  BufferSeal,
  FeatureBuffers,
} from '#lib/domain/features/publish/feature-buffers.ts'
import type { Buffer } from '#lib/domain/features/publish/publications.ts'

/** Buffers in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryFeatureBuffers implements FeatureBuffers {
  readonly #items = new Map<string, BufferItem>()
  readonly #seals = new Map<string, BufferSeal>()

  async write(items: readonly BufferItem[]): Promise<readonly boolean[]> {
    return items.map((item) => {
      const known = this.#items.get(idOf(item))
      if (known !== undefined && known.version > item.version) return false
      this.#items.set(idOf(item), structuredClone(item))
      return true
    })
  }

  async read(keys: readonly BufferKey[]): Promise<readonly BufferItem[]> {
    const ids = new Set(keys.map(idOf))
    return [...ids].flatMap((id) => structuredClone(this.#items.get(id)) ?? [])
  }

  async seal(view: string, buffer: Buffer): Promise<BufferSeal | undefined> {
    return structuredClone(this.#seals.get(`${buffer}#${view}`))
  }

  async putSeal(seal: BufferSeal): Promise<boolean> {
    const id = `${seal.buffer}#${seal.view}`
    const known = this.#seals.get(id)
    if (known !== undefined && known.version > seal.version) return false
    this.#seals.set(id, structuredClone(seal))
    return true
  }

  /** Everything that is there, in an order of its own. */
  all(): readonly BufferItem[] {
    return [...this.#items].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, item]) => item)
  }

  /** As if it had never been written: what a test plants. */
  remove(key: BufferKey): void {
    this.#items.delete(idOf(key))
  }
}

function idOf({ buffer, view, key }: BufferKey): string {
  return JSON.stringify([buffer, key, view])
}
