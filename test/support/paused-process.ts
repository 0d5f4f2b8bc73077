import type { SlotStore } from '#lib/domain/process/slot-store.ts'
import { FaultyProcess } from '#test/support/faults.ts'

/** A process that stops before the first effect whose name matches, until it is let go: a zombie. */
export class PausedProcess extends FaultyProcess {
  readonly reached: Promise<void>
  letGo!: () => void
  readonly #gate: Promise<void>
  #reach!: () => void
  #at: RegExp | undefined
  constructor(at: RegExp) {
    super(Number.POSITIVE_INFINITY, 'refused')
    this.#at = at
    this.reached = new Promise((resolve) => (this.#reach = resolve))
    this.#gate = new Promise((resolve) => (this.letGo = resolve))
  }
  #wrap<T extends object>(store: T, effects: readonly string[]): T {
    return new Proxy(store, {
      get: (target, key) => {
        const call: unknown = Reflect.get(target, key)
        if (typeof call !== 'function' || !effects.includes(String(key))) return call
        return async (...args: unknown[]) => {
          if (this.#at?.test(`${String(key)} ${typeof args[0] === 'string' ? args[0] : ''}`)) {
            this.#at = undefined
            this.#reach()
            await this.#gate
          }
          return call.apply(target, args)
        }
      },
    })
  }
  override objects(...[store]: Parameters<FaultyProcess['objects']>) {
    return this.#wrap(super.objects(store), ['put', 'putIfAbsent'])
  }
  override journal(...[journal]: Parameters<FaultyProcess['journal']>) {
    return this.#wrap(super.journal(journal), ['register', 'append'])
  }
  override slots(...[slots]: Parameters<FaultyProcess['slots']>) {
    const paused = this.#wrap(super.slots(slots), ['write', 'advanceCursor'])
    // Each write of many is one that it may stop before, while the others go on.
    const writeAll: SlotStore['writeAll'] = (writes) =>
      Promise.all(writes.map(({ slot, sequenceRead }) => paused.write(slot, sequenceRead)))
    return new Proxy(paused, {
      get: (target, key) => (key === 'writeAll' ? writeAll : Reflect.get(target, key)),
    })
  }
}
