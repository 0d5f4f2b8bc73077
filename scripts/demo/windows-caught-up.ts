import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { type Predecessor, type SequenceNumber, START } from '#lib/domain/kernel/sequence-number.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { CommandError } from '../../bin/commands/failure.ts'
import type { ProductStores } from '../../bin/commands/stores.ts'

const TIMEOUT_MS = 120_000

/** Windows follow the journal by themselves, like the table: waits until those of these views are as far. */
export async function windowsCaughtUp(
  context: CommandContext,
  stores: ProductStores,
  views: readonly string[],
): Promise<void> {
  const { slotsTable, cell } = stores.deployed
  const client = new DynamoDBClient(context.target.clientConfig(cell.region))
  const slots = new DynamoDbSlotStore({ client, tableName: slotsTable })
  const deadline = performance.now() + TIMEOUT_MS
  for (const { shard } of await stores.journal.shards()) {
    const head = await stores.journal.head(shard)
    for (const view of head === undefined ? [] : views) {
      while (!reached((await slots.cursor(view, shard)).position, head!.last)) {
        if (performance.now() > deadline) {
          throw new CommandError(
            'demo.windows',
            `windows of ${view} in ${shard} are behind the journal after ${TIMEOUT_MS / 1000} s`,
          )
        }
        await sleep(250, undefined, { signal: context.signal })
      }
    }
  }
}

function reached(position: Predecessor, head: SequenceNumber): boolean {
  return position !== START && position >= head
}
