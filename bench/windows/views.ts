import type { ViewDefinition } from '#lib/domain/process/view.ts'

const USER_BIDS = {
  description: 'Bids of each user and what they come to.',
  key: 'user_id',
  aggregates: [
    { name: 'bids', function: 'count' },
    { name: 'total', function: 'sum', field: 'price' },
  ],
  freshnessSeconds: 60,
} as const

/** Windows of ten seconds, and of a minute that a new one of starts each second. */
export const VIEWS = {
  tumbling: {
    name: 'user-bids',
    window: { kind: 'tumbling', sizeSeconds: 10 },
    ...USER_BIDS,
  },
  sliding: {
    name: 'user-minute',
    window: { kind: 'sliding', sizeSeconds: 60, slideSeconds: 1 },
    ...USER_BIDS,
  },
} satisfies Record<string, ViewDefinition>

export type ViewName = keyof typeof VIEWS
