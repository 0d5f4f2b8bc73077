import { eq, fieldsOf, firstOf, literal } from '#lib/domain/features/define/expressions.ts'
import { viewsOf } from '#lib/domain/features/define/view.ts'
import type { SurgeFields } from './fields.ts'

const event = fieldsOf<SurgeFields>()
const view = viewsOf<SurgeFields>()

/**
 * Taxis wanted and freed by zone. Six hours, because the sample holds about one trip in a thousand: with all of them a quarter
 * of an hour would do.
 */
export const views = [
  view({
    name: 'zone-balance',
    description: 'Taxis that were wanted and that became free in a zone, over the last six hours.',
    key: 'zone',
    derived: {
      request: firstOf([[eq(event.kind, 'request'), literal(1)]]),
      freed: firstOf([[eq(event.kind, 'freed'), literal(1)]]),
    },
    window: { kind: 'sliding', sizeSeconds: 21_600, slideSeconds: 1_800 },
    aggregates: {
      requests: { function: 'count', field: 'request' },
      freed: { function: 'count', field: 'freed' },
    },
    freshnessSeconds: 10_800,
    owner: 'pricing',
  }),
]
