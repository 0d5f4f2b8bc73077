import type { Finding } from './finding.ts'
import type { ArnTarget, TemplateResource, Templates } from './templates.ts'

/** A property of a mapping, what it may be, and what happens otherwise. */
interface Rule {
  readonly property: string
  readonly allows: (value: unknown) => boolean
  readonly otherwise: string
}

const absentOr = (allowed: number) => (value: unknown) => value === undefined || value === allowed
const absent = (value: unknown) => value === undefined
const atMost = (limit: number) => (value: unknown) => value === undefined || Number(value) <= limit

/**
 * A mapping that carries events must neither skip nor reorder any of them, and must not put them anywhere else.
 * Each of these was found to lose or to double data, or to leak it.
 */
const EVENT_STREAM: readonly Rule[] = [
  {
    property: 'ParallelizationFactor',
    allows: absentOr(1),
    otherwise: 'lets batches of one shard overtake each other: set 1',
  },
  {
    property: 'TumblingWindowInSeconds',
    allows: absentOr(0),
    otherwise: 'keeps state per shard that is lost when the stream is resharded: remove it',
  },
  {
    property: 'MaximumRetryAttempts',
    allows: (value) => value === -1,
    otherwise: 'discards a batch after that many failures: set -1',
  },
  {
    property: 'MaximumRecordAgeInSeconds',
    allows: (value) => value === -1,
    otherwise: 'discards events that wait too long: set -1',
  },
  {
    property: 'DestinationConfig',
    allows: absent,
    otherwise: 'goes on after a failed batch, and may store it unsealed: remove it',
  },
  {
    property: 'FilterCriteria',
    allows: absent,
    otherwise: 'drops events before anyone has counted them: remove it',
  },
  {
    property: 'StartingPosition',
    allows: (value) => value === 'TRIM_HORIZON',
    otherwise: 'skips what is in the stream already: set TRIM_HORIZON',
  },
  {
    property: 'BatchSize',
    allows: atMost(10_000),
    otherwise: 'is refused by AWS: set at most 10000',
  },
  {
    property: 'MaximumBatchingWindowInSeconds',
    allows: atMost(300),
    otherwise: 'is refused by AWS: set at most 300',
  },
]

/** A bell may be lost, but what two lanes do to one shard would wait for each other's conflicts. */
const JOURNAL_BELL: readonly Rule[] = EVENT_STREAM.filter(({ property }) =>
  [
    'ParallelizationFactor',
    'TumblingWindowInSeconds',
    'BatchSize',
    'MaximumBatchingWindowInSeconds',
  ].includes(property),
)

const FIFO_QUEUE: readonly Rule[] = [
  {
    property: 'BatchSize',
    allows: atMost(10),
    otherwise: 'is refused by AWS on a FIFO queue: set at most 10',
  },
  {
    property: 'MaximumBatchingWindowInSeconds',
    allows: absentOr(0),
    otherwise: 'is refused by AWS on a FIFO queue: remove it',
  },
]

const STANDARD_QUEUE: readonly Rule[] = EVENT_STREAM.filter(({ property }) =>
  ['BatchSize', 'MaximumBatchingWindowInSeconds'].includes(property),
)

/** How many mappings may read one source: one decides what an event is, and a table's stream feeds two readers. */
const READERS: Readonly<Record<string, number>> = { kinesis: 1, dynamodb: 2 }

/** Rules of every event source mapping of the app, whoever made it. */
export function checkEventSourceMappings(templates: Templates): readonly Finding[] {
  const readers = new Map<string, number>()
  return templates.ofType('AWS::Lambda::EventSourceMapping').flatMap((mapping) => {
    const source = templates.target(mapping.stack, mapping.properties.EventSourceArn)
    const rules = rulesOf(source)
    if (rules === undefined) {
      const message = `reads something that the template does not name (${JSON.stringify(mapping.properties.EventSourceArn)}): point EventSourceArn at a stream, table or queue`
      return [{ resource: mapping, property: 'EventSourceArn', message }]
    }
    const count = (readers.get(source.id) ?? 0) + 1
    readers.set(source.id, count)
    return [
      ...broken(mapping, rules),
      ...windowMissing(mapping, source),
      ...tooMany(mapping, source, count),
    ]
  })
}

function rulesOf({ service, resource, id }: ArnTarget): readonly Rule[] | undefined {
  switch (service) {
    case 'kinesis':
      return EVENT_STREAM
    case 'dynamodb':
      return JOURNAL_BELL
    case 'sqs':
      return isTrue(resource?.properties.FifoQueue) || id.endsWith('.fifo')
        ? FIFO_QUEUE
        : STANDARD_QUEUE
    default:
      return undefined
  }
}

function broken(mapping: TemplateResource, rules: readonly Rule[]): Finding[] {
  return rules
    .filter(({ property, allows }) => !allows(mapping.properties[property]))
    .map(({ property, otherwise }) => ({
      resource: mapping,
      property,
      message: `${property} ${JSON.stringify(mapping.properties[property]) ?? 'left out'} ${otherwise}`,
    }))
}

function windowMissing(mapping: TemplateResource, { service }: ArnTarget): Finding[] {
  const { BatchSize, MaximumBatchingWindowInSeconds } = mapping.properties
  if (service !== 'sqs' || Number(BatchSize ?? 10) <= 10) return []
  if (Number(MaximumBatchingWindowInSeconds ?? 0) >= 1) return []
  const message = `BatchSize ${BatchSize} is refused by AWS without a window: set MaximumBatchingWindowInSeconds to at least 1`
  return [{ resource: mapping, property: 'BatchSize', message }]
}

function tooMany(mapping: TemplateResource, { service }: ArnTarget, count: number): Finding[] {
  const limit = READERS[service ?? ''] ?? Number.POSITIVE_INFINITY
  if (count <= limit) return []
  const message = `is reader number ${count} of its source, which has room for ${limit}: let it read the journal instead`
  return [{ resource: mapping, property: 'EventSourceArn', message }]
}

function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}
