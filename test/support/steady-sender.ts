import { setTimeout as sleep } from 'node:timers/promises'
import { EventProducer, type EventProducerOptions } from '#lib/producer.ts'

const PAUSE_MS = 50
const EVENTS_PER_PAUSE = 2
/** Every so many events an earlier one is sent again. */
const RESEND_EVERY = 10

/**
 * A program that sends 40 events a second, whatever happens to the platform meanwhile, and a tenth of them again by
 * another producer, which knows nothing of the first: as after a restart.
 */
export class SteadySender<Data extends object> {
  readonly ids: string[] = []
  /** Events sent once more. */
  resent = 0
  readonly #options: EventProducerOptions<Data>
  readonly #producer: EventProducer<Data>
  readonly #dataOf: (index: number) => Data
  readonly #name: string
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  /** Starts at once. Ids are `<name>-<index>`. */
  constructor(name: string, options: EventProducerOptions<Data>, dataOf: (index: number) => Data) {
    this.#name = name
    this.#options = options
    this.#producer = new EventProducer(options)
    this.#dataOf = dataOf
    this.#running = this.#run()
    // Raised by stop().
    this.#running.catch(() => {})
  }

  /** Sends what it still holds. Throws if the stream did not take all of it. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await this.#producer.close()
    const { sent, accepted } = this.#producer.counts
    if (accepted !== sent) throw new Error(`${this.#name}: ${accepted} of ${sent} accepted`)
  }

  /** Sends events that exist already, in this sender's form, by a producer of their own. */
  async sendAgain(ids: readonly string[], dataOf: (id: string) => Data): Promise<void> {
    const again = new EventProducer(this.#options)
    for (const id of ids) await again.send({ id, data: dataOf(id) })
    await again.close()
    this.resent += ids.length
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (let i = 0; i < EVENTS_PER_PAUSE; i++) {
        const index = this.ids.length
        const id = `${this.#name}-${index}`
        await this.#producer.send({ id, data: this.#dataOf(index) })
        this.ids.push(id)
        if (index % RESEND_EVERY !== RESEND_EVERY - 1) continue
        // Sometimes one that is still in the producer's hands, sometimes one that was committed long ago.
        const earlier = index % 4 === 1 ? index : Math.floor(index / 2)
        await this.sendAgain([`${this.#name}-${earlier}`], () => this.#dataOf(earlier))
      }
      await sleep(PAUSE_MS)
    }
  }
}
