import type { AttributeValue } from '@aws-sdk/client-dynamodb'

/** Key attributes of every table: items of different kinds share one, so the names say nothing of the kind. */
export const ITEM_KEYS = { partition: 'pk', sort: 'sk' } as const

export type Item = Record<string, AttributeValue>

/** An item's key. */
export function itemKey(partition: string, sort: string): Item {
  return { [ITEM_KEYS.partition]: { S: partition }, [ITEM_KEYS.sort]: { S: sort } }
}
