import { type DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import type { Log } from '#lib/domain/ops/log.ts'
import type { BusySign } from '#lib/domain/process/busy-sign.ts'
import { EXPIRY_ATTRIBUTE } from './dynamodb-slot-store.ts'
import { type Item, itemKey } from './item-keys.ts'

/** Work that is done sooner costs no write. */
const RENEWED_EVERY_MS = 10_000
/** Who has died is believed to be at work for so long. */
const LASTS_MS = 30_000

/** A sign in a product's slots table: an item that says until when somebody is at work. */
export class DynamoDbBusySign implements BusySign {
  readonly #client: DynamoDBClient
  readonly #tableName: string
  readonly #key: Item
  readonly #clock: Clock
  readonly #log: Pick<Log, 'info'>
  readonly #renewedEveryMs: number

  constructor(options: {
    readonly client: DynamoDBClient
    readonly tableName: string
    /** Who is at work. */
    readonly worker: string
    readonly clock: Clock
    readonly log: Pick<Log, 'info'>
    /** @default 10,000 */
    readonly renewedEveryMs?: number
  }) {
    this.#client = options.client
    this.#tableName = options.tableName
    // A partition of its own: slots have a '#' in theirs.
    this.#key = itemKey('busy', options.worker)
    this.#clock = options.clock
    this.#log = options.log
    this.#renewedEveryMs = options.renewedEveryMs ?? RENEWED_EVERY_MS
  }

  async isUp(): Promise<boolean> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#tableName, Key: this.#key }),
    )
    return Number(item?.untilMs?.N ?? 0) > this.#clock.nowMs()
  }

  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    let renewing = Promise.resolve()
    const timer = setInterval(() => {
      renewing = renewing.then(() => this.#renew(LASTS_MS))
    }, this.#renewedEveryMs)
    const begun = this.#clock.nowMs()
    try {
      return await work()
    } finally {
      clearInterval(timer)
      // Awaited, or it would be sent in the middle of the next invocation.
      await renewing
      if (this.#clock.nowMs() - begun >= this.#renewedEveryMs) await this.#renew(0)
    }
  }

  async #renew(lastsMs: number): Promise<void> {
    const untilMs = this.#clock.nowMs() + lastsMs
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#tableName,
          Item: {
            ...this.#key,
            untilMs: { N: String(untilMs) },
            [EXPIRY_ATTRIBUTE]: { N: String(Math.ceil((untilMs + LASTS_MS) / 1000)) },
          },
        }),
      )
    } catch (error) {
      // Without the sign the next sweep works beside us, which is all that it is there to spare.
      this.#log.info('the sign of being busy was not put up', { error: String(error) })
    }
  }
}
