import type { PlantedBug } from '../plant.ts'

const JOURNAL = 'lib/adapters/dynamodb/dynamodb-journal.ts'
const S3 = 'lib/adapters/s3/s3-object-store.ts'
const MAPPING = 'test/simulation/cloud/event-source-mapping.ts'

/** What the adapters and the settings of the stream's mapping can do wrong. */
export const storeBugs: readonly PlantedBug[] = [
  {
    name: 'an entry is put, not created',
    file: JOURNAL,
    search:
      "          ConditionExpression: 'attribute_not_exists(#position)',\n          ExpressionAttributeNames: { '#position': ITEM_KEYS.sort },\n",
    replace: '',
    within: 20,
  },
  {
    name: 'the journal is read eventually consistent',
    file: JOURNAL,
    search: '      ConsistentRead: true,\n      ScanIndexForward',
    replace: '      ConsistentRead: false,\n      ScanIndexForward',
    within: 20,
  },
  {
    name: 'an entry that is there is read eventually consistent',
    file: JOURNAL,
    search: '        ConsistentRead: true,\n      }),\n    )\n    return item === undefined',
    replace: '        ConsistentRead: false,\n      }),\n    )\n    return item === undefined',
    within: 20,
  },
  {
    name: 'only the first page of a query is read',
    file: JOURNAL,
    search: 'while (from !== undefined)',
    replace: 'while (from === null)',
    within: 100,
  },
  {
    name: 'a 409 is taken for an object that exists',
    file: S3,
    search: "if (statusOf(error) === 412) return 'exists'",
    replace: "if (statusOf(error) === 412 || statusOf(error) === 409) return 'exists'",
    within: 500,
  },
  {
    name: 'a 412 is an error',
    file: S3,
    search: "if (statusOf(error) === 412) return 'exists'",
    replace: '',
    within: 20,
  },
  {
    name: 'the mapping gives a batch up after three attempts',
    file: MAPPING,
    search: 'retries: Number.POSITIVE_INFINITY,',
    replace: 'retries: 2,',
    within: 20,
  },
  {
    name: 'the mapping has two lanes per shard',
    file: MAPPING,
    search: 'parallelizationFactor: 1,',
    replace: 'parallelizationFactor: 2,',
    within: 20,
  },
]
