import { setTimeout as sleep } from 'node:timers/promises'
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KMSClient } from '@aws-sdk/client-kms'
import { DynamoDbErasureLedger } from '#lib/adapters/dynamodb/dynamodb-erasure-ledger.ts'
import { DynamoDbKeyTable } from '#lib/adapters/dynamodb/dynamodb-key-table.ts'
import { DynamoDbSlotInventory } from '#lib/adapters/dynamodb/dynamodb-slot-inventory.ts'
import { deriveLookupKey } from '#lib/adapters/kms/identity-key.ts'
import { KmsSigner } from '#lib/adapters/kms/kms-signer.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { isSealed } from '#lib/domain/contract/stored-form.ts'
import type { ErasureDependencies, PersonSlots } from '#lib/domain/privacy/erase-subjects.ts'
import { KEY_RECOVERY_DAYS } from '#lib/domain/privacy/key-table.ts'
import { lookupHash } from '#lib/domain/privacy/subject-keys.ts'
import { productId } from '#lib/topology/names.ts'
import type { DeployedCell } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'

/** What erasing in one cell works with. `products` are those whose people they are. */
export async function erasingIn(
  context: CommandContext,
  cell: DeployedCell,
  products: readonly Product[],
): Promise<ErasureDependencies> {
  const config = context.target.clientConfig(cell.region)
  const client = new DynamoDBClient(config)
  const kms = new KMSClient(config)
  const output = (key: string): string => {
    const value = cell.outputs[key]
    if (value !== undefined) return value
    throw new CommandError(
      'cell.outdated',
      `the cell in ${cell.region} has no output "${key}": it was deployed by another version; run \`npm run weir -- up\``,
    )
  }
  const pause = (ms: number) => sleep(ms, undefined, { signal: context.signal })
  const lookupKey = await deriveLookupKey(kms, output('IdentityKey'))
  const slots = slotsOf(products, cell, client, pause)
  return {
    cell: output('CellName'),
    table: new DynamoDbKeyTable({ client, tableName: output('KeyTable') }),
    ledger: new DynamoDbErasureLedger({ client, tableName: output('ErasureTable') }),
    signer: new KmsSigner({ client: kms, keyArn: output('CertificateKey') }),
    clock: systemClock,
    sleep: pause,
    lookupOf: lookupHash(lookupKey),
    ...(slots === undefined ? {} : { slots }),
    streamRetentionHours: Math.max(
      ...products.map(({ contract }) => contract.stream.retentionHours),
    ),
    recoveryDays: KEY_RECOVERY_DAYS,
  }
}

/** Window state that is kept by person: of products with a view whose key is the subject. */
function slotsOf(
  products: readonly Product[],
  { outputs }: DeployedCell,
  client: DynamoDBClient,
  pause: (ms: number) => Promise<void>,
): PersonSlots | undefined {
  const tables = products
    .filter(
      ({ contract, views }) =>
        isSealed(contract) && views.some((view) => view.key === contract.subject),
    )
    .flatMap(({ name }) => outputs[`${productId(name)}SlotsTable`] ?? [])
  if (tables.length === 0) return undefined
  return {
    async remove(tokens) {
      let removed = 0
      for (const tableName of tables) {
        removed += await new DynamoDbSlotInventory({ client, tableName, sleep: pause }).removeKeys(
          tokens,
        )
      }
      return removed
    },
  }
}
