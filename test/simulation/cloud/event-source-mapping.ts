import { between, type Choices } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import type { AcceptedRecord, KinesisModel } from './kinesis.ts'
import type { FunctionModel, Invocation } from './lambda.ts'

/** As the mapping of `archive-events` is deployed; each of the others would lose or double data. */
export interface MappingSettings {
  readonly batchSize: number
  readonly windowMs: number
  readonly bisect: boolean
  /** Failed deliveries of a batch before it is left out. */
  readonly retries: number
  /** Lanes of one shard, by partition key. */
  readonly parallelizationFactor: number
  /** Before the second delivery of a batch; each further one waits twice as long. */
  readonly backoffMs: number
}

/** The settings of the deployed mapping; a test holds them against the template. */
export const ARCHIVE_MAPPING: MappingSettings = {
  batchSize: 10_000,
  windowMs: 2_000,
  bisect: true,
  retries: Number.POSITIVE_INFINITY,
  parallelizationFactor: 1,
  backoffMs: 400,
}

export interface DeliveryRisks {
  /** Of a batch that was delivered: that the mapping goes back and delivers some of it again. */
  readonly again: number
  /** That a batch is shorter than what there is. */
  readonly short: number
  /** How long what is delivered once more, beside newer ones, may take to come. */
  readonly besideMs: number
}

const MOST_BACKOFF_MS = 60_000

interface Redelivery {
  readonly from: number
  /** Beside the newer ones, and up to here; else the poller goes back. */
  readonly beside?: { readonly to: number; readonly afterMs: number }
}

/** What Lambda's poller gives one invocation. */
export interface Delivery<Content> {
  readonly shard: string
  readonly records: readonly AcceptedRecord<Content>[]
}

/**
 * Lambda's poller of a Kinesis stream: per shard strictly in order and one batch at a time, a child after its
 * parents. A batch that fails comes again, the same, halved, or cut anew as after a restart; what was delivered may
 * come once more, also while newer batches are under way.
 */
export class EventSourceMapping<Content extends { readonly name: string }, Result> {
  /** Until when it is disabled; what it has begun it brings to an end. */
  awayUntilMs = 0
  readonly #scheduler: Scheduler
  readonly #choices: Choices
  readonly #stream: KinesisModel<Content>
  readonly #function: FunctionModel<Delivery<Content>, Result>
  readonly #settings: MappingSettings
  readonly #risks: DeliveryRisks
  readonly #pollers = new Map<string, ShardPoller>()

  constructor(options: {
    readonly scheduler: Scheduler
    readonly choices: Choices
    readonly stream: KinesisModel<Content>
    readonly function: FunctionModel<Delivery<Content>, Result>
    readonly settings: MappingSettings
    readonly risks: DeliveryRisks
  }) {
    this.#scheduler = options.scheduler
    this.#choices = options.choices
    this.#stream = options.stream
    this.#function = options.function
    this.#settings = options.settings
    this.#risks = options.risks
    for (const shard of this.#stream.shards) this.#open(shard.id)
    this.#stream.onChange((shard) => this.#open(shard.id).wake())
  }

  /** Whether every record of the stream has been delivered. */
  isDrained(): boolean {
    return this.#stream.shards.every(({ id, records }) => {
      const poller = this.#pollers.get(id)
      return records.length === 0 || poller?.position === records.length
    })
  }

  #open(id: string): ShardPoller {
    const known = this.#pollers.get(id)
    if (known !== undefined) return known
    const poller = new ShardPoller()
    this.#pollers.set(id, poller)
    this.#scheduler.spawn(() => this.#poll(id, poller))
    return poller
  }

  async #poll(id: string, poller: ShardPoller): Promise<void> {
    const shard = this.#stream.shard(id)
    for (const parent of shard.parents) await this.#open(parent).drained
    for (;;) {
      if (poller.position === shard.records.length) {
        if (shard.isClosed) return poller.end()
        await poller.woken()
        continue
      }
      await this.#scheduler.sleep(this.#settings.windowMs, id, 'the batch gathers')
      const awayMs = this.awayUntilMs - this.#scheduler.nowMs
      if (awayMs > 0) await this.#scheduler.sleep(awayMs, id, 'the mapping is enabled again')
      await this.#deliverNext(id, poller)
      await this.#mayComeAgain(id, poller)
    }
  }

  /** Delivers what there is from the position on until it is accepted, in whatever pieces. */
  async #deliverNext(id: string, poller: ShardPoller): Promise<void> {
    const { records } = this.#stream.shard(id)
    const { batchSize, retries } = this.#settings
    let end = Math.min(records.length, poller.position + batchSize)
    const short = this.#choices.deviate(
      `short ${id}.${poller.deliveries}`,
      (random) => (random() < this.#risks.short ? random() : undefined),
      end - poller.position > 1 ? [0.5] : [],
    )
    if (short !== undefined) end -= Math.floor(short * (end - poller.position))
    for (let failures = 0; ; ) {
      const name = `${id}.${poller.deliveries++}`
      const { status } = await this.#deliver(id, name, poller.position, end)
      if (status === 'succeeded') {
        poller.position = end
        return
      }
      if (++failures > retries) {
        poller.position = end
        return
      }
      await this.#scheduler.sleep(this.#backoffMs(failures), id, 'retries')
      end = this.#cutAnew(id, poller.position, end, name)
    }
  }

  /** What fails again and again has to wait also where nobody waits at first. */
  #backoffMs(failures: number): number {
    const { backoffMs } = this.#settings
    const firstMs = failures > 3 ? Math.max(backoffMs, ARCHIVE_MAPPING.backoffMs) : backoffMs
    return Math.min(MOST_BACKOFF_MS, firstMs * 2 ** Math.min(failures - 1, 10))
  }

  /** Where the next attempt of a failed batch ends: as before, at its half, or anywhere after a restart. */
  #cutAnew(id: string, from: number, end: number, name: string): number {
    const half = from + Math.ceil((end - from) / 2)
    const most = Math.min(this.#stream.shard(id).records.length, from + this.#settings.batchSize)
    const alternatives = [...(this.#settings.bisect && half < end ? [half] : []), from + 1, most]
    const cut = this.#choices.deviate(
      `cut ${name}`,
      (random) => {
        const chance = random()
        if (chance < 0.3) return undefined
        if (chance < 0.5) return alternatives[0]
        return chance < 0.75 ? between(random, from + 1, most) : most
      },
      alternatives.filter((one) => one !== end),
    )
    return cut ?? end
  }

  /** What was accepted may be forgotten: the next delivery starts before it. Or it comes beside newer ones. */
  async #mayComeAgain(id: string, poller: ShardPoller): Promise<void> {
    const { records } = this.#stream.shard(id)
    const name = `${id}.${poller.deliveries}`
    const again = this.#choices.deviate<Redelivery>(
      `again ${name}`,
      (random) => {
        if (random() >= this.#risks.again) return undefined
        const from = Math.max(0, poller.position - between(random, 1, 12))
        if (random() < 0.5) return { from }
        return {
          from,
          beside: {
            to: between(random, from + 1, records.length),
            afterMs: between(random, 0, this.#risks.besideMs),
          },
        }
      },
      [
        { from: 0 },
        { from: poller.position - 1 },
        { from: 0, beside: { to: records.length, afterMs: 0 } },
        { from: 0, beside: { to: 1, afterMs: 12 } },
      ],
    )
    if (again?.beside === undefined) {
      poller.position = again?.from ?? poller.position
      return
    }
    const { from, beside } = again
    this.#scheduler.after(beside.afterMs, id, 'an older batch comes again', () => {
      this.#scheduler.spawn(async () => {
        await this.#deliver(id, `${name}again`, from, beside.to)
      })
    })
  }

  async #deliver(id: string, name: string, from: number, to: number): Promise<Invocation<Result>> {
    const records = this.#stream.shard(id).records.slice(from, to)
    const lanes = this.#settings.parallelizationFactor
    if (lanes === 1) return this.#function.invoke({ shard: id, records }, name)
    const parts = Array.from({ length: lanes }, (_, lane) =>
      records.filter((_record, at) => at % lanes === lane),
    ).filter((part) => part.length > 0)
    const ends = await Promise.all(
      parts.map((part, lane) =>
        this.#function.invoke({ shard: id, records: part }, `${name}-${lane}`),
      ),
    )
    return ends.find(({ status }) => status !== 'succeeded') ?? ends[0]!
  }
}

/** Where the poller of one shard stands. */
class ShardPoller {
  /** Records that were accepted. */
  position = 0
  /** Deliveries so far; names the next one. */
  deliveries = 0
  readonly drained: Promise<void>
  end!: () => void
  #wake: (() => void) | undefined

  constructor() {
    this.drained = new Promise((resolve) => {
      this.end = resolve
    })
  }

  woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
    })
  }

  wake(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
