import { makeHandler as updateWindows } from '#functions/process/update-windows/handler.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Handler } from '../cloud/lambda.ts'
import type { Process } from '../cloud/process.ts'
import { type Cloud, clockOf, journalOf, objectsOf } from './functions.ts'
import { LAYOUT, SLOTS_TABLE, VIEW } from './product.ts'

export function slotsOf({ dynamodb }: Cloud, process: Process): DynamoDbSlotStore {
  return new DynamoDbSlotStore({ client: dynamodb.client(process), tableName: SLOTS_TABLE })
}

/** `functions/process/update-windows`, as its `index.ts` wires it. */
export function updateWindowsOf(
  cloud: Cloud,
  contracts: ContractVersions,
  process: Process,
): Handler<unknown, unknown> {
  return updateWindows({
    log: { info: () => {}, error: () => {} },
    contracts,
    views: [VIEW],
    journal: journalOf(cloud, process),
    objects: objectsOf(cloud, process),
    slots: slotsOf(cloud, process),
    clock: clockOf(cloud, process),
    layout: LAYOUT,
  })
}
