/** Key attributes of every table: items of different kinds share one, so the names say nothing of the kind. */
export const ITEM_KEYS = { partition: 'pk', sort: 'sk' } as const
