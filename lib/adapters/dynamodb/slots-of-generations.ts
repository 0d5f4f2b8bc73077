import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { GenerationScope } from '#lib/domain/process/generations/generations.ts'
import { subSlotsOf } from '#lib/domain/process/view.ts'
import { DynamoDbSlotStore } from './dynamodb-slot-store.ts'

/** The slots of any generation of a product; one store for scopes that spread their keys alike. */
export function slotsOfGenerations(table: {
  readonly client: DynamoDBClient
  readonly tableName: string
}): (scope: GenerationScope) => DynamoDbSlotStore {
  const stores = new Map<string, DynamoDbSlotStore>()
  return ({ views, generation }) => {
    const subSlots = subSlotsOf(views, generation)
    const id = JSON.stringify([...subSlots])
    const store = stores.get(id) ?? new DynamoDbSlotStore({ ...table, subSlots })
    stores.set(id, store)
    return store
  }
}
