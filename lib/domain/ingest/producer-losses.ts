import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { EventName } from './producer-event.ts'

/** An event that did not reach the stream, as far as is known. */
export interface NotAccepted extends EventName {
  readonly reason: string
}

/** Events that an error names; more of them would be no help, and would take memory when it is scarce. */
export const MAX_NAMED = 100

/** Events that were given up since the last flush: how many, and the names of the first. */
export class Losses {
  #named: NotAccepted[] = []
  #count = 0

  add(names: readonly EventName[], reason: string): void {
    for (const { source, id } of names.slice(0, MAX_NAMED - this.#named.length)) {
      this.#named.push({ source, id, reason })
    }
    this.#count += names.length
  }

  /** `producer.notAccepted` with their names, and forgets them; undefined if there are none. */
  take(): PlatformError | undefined {
    const [events, count] = [this.#named, this.#count]
    this.#named = []
    this.#count = 0
    const [first] = events
    if (first === undefined) return undefined
    const more = count > 1 ? ` and ${count - 1} more` : ''
    return new PlatformError(
      'producer.notAccepted',
      `event ${first.id} of ${first.source}${more} not accepted by the stream: ${first.reason}`,
      { context: { events, count } },
    )
  }
}
