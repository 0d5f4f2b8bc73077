/** A property of Weir in ODCS `customProperties`: what ODCS itself has no word for. */
export interface WeirProperty {
  readonly name: `weir.${string}`
  /** Where it stands: at the top of the document, or at one property of the schema. */
  readonly on: 'contract' | 'field'
  readonly type: 'text' | 'integer' | 'boolean' | 'field name'
  readonly meaning: string
  /** `undefined`: it must be stated. A text in words: where its value comes from otherwise. */
  readonly default?: string | number | boolean
  readonly minimum?: number
  readonly maximum?: number
}

/** Every property there is: errors, docs and the compiler read this one list. */
export const WEIR_PROPERTIES = [
  {
    name: 'weir.eventType',
    on: 'contract',
    type: 'text',
    meaning: 'the CloudEvents type that the product accepts',
  },
  {
    name: 'weir.eventTime',
    on: 'contract',
    type: 'field name',
    meaning: 'the field that says when the event happened: a required timestamp',
  },
  {
    name: 'weir.partitionKey',
    on: 'contract',
    type: 'field name',
    meaning: 'the required field whose value picks the shard: events with one value stay in order',
  },
  {
    name: 'weir.spread',
    on: 'contract',
    type: 'integer',
    meaning:
      'over how many partitions a producer may spread one value of the partition key: above 1 its events are in no order',
    default: 1,
    minimum: 1,
    maximum: 64,
  },
  {
    name: 'weir.subject',
    on: 'contract',
    type: 'field name',
    meaning:
      'the field that says whom the event is about: a string, int or long. Under the key of whom it names the personal fields are sealed; in tables a token stands in its place',
    default: 'nobody',
  },
  {
    name: 'weir.residency',
    on: 'contract',
    type: 'text',
    meaning:
      'where the data may lie: AWS regions or their first parts, such as eu or eu-west-1, eu-central-1',
    default: 'anywhere',
  },
  {
    name: 'weir.allowedLatenessSeconds',
    on: 'contract',
    type: 'integer',
    meaning: 'how long after the end of its window an event may still arrive and count',
    default: 'for ever',
    minimum: 0,
    maximum: 31_536_000,
  },
  {
    name: 'weir.cdc',
    on: 'contract',
    type: 'text',
    meaning:
      'debezium, if the events are changes of rows of another store in that envelope: {before, after, source, op, ts_ms}',
    default: 'the events are no changes',
  },
  {
    name: 'weir.cdcPosition',
    on: 'contract',
    type: 'text',
    meaning:
      "members of a change's source that tell which of two changes of a row is later, such as lsn, or file, pos, row: required of changes",
    default: 'the events are no changes',
  },
  {
    name: 'weir.undeclaredMajor',
    on: 'contract',
    type: 'integer',
    meaning:
      'the major version that judges events without a dataschema, while producers of an older one do not declare it',
    default: 'the major of this version',
    minimum: 0,
    maximum: 999_999,
  },
  {
    name: 'weir.costCenter',
    on: 'contract',
    type: 'text',
    meaning: 'who pays: the cost-center tag of everything the product owns',
  },
  {
    name: 'weir.tier',
    on: 'contract',
    type: 'integer',
    meaning: 'how much the product matters: 1 wakes people, 3 waits for the morning',
    default: 2,
    minimum: 1,
    maximum: 3,
  },
  {
    name: 'weir.dataClassification',
    on: 'contract',
    type: 'text',
    meaning:
      'public, internal, confidential or restricted: of fields without a classification of their own',
    default: 'internal',
  },
  {
    name: 'weir.shards',
    on: 'contract',
    type: 'integer',
    meaning: 'shards of the stream: each takes 1 MB or 1,000 records a second',
    default: 1,
    minimum: 1,
    maximum: 500,
  },
  {
    name: 'weir.streamRetentionHours',
    on: 'contract',
    type: 'integer',
    meaning: 'how long the stream keeps records, so how long an outage may last; tier 1 needs 168',
    default: 168,
    minimum: 24,
    maximum: 8760,
  },
  {
    name: 'weir.dedupHorizonMinutes',
    on: 'contract',
    type: 'integer',
    meaning: 'two events with one source and id are duplicates if they arrive less than this apart',
    default: 1440,
    minimum: 1,
    maximum: 43200,
  },
  {
    name: 'weir.maxFutureSkewMinutes',
    on: 'contract',
    type: 'integer',
    meaning: 'an event time further than this past its arrival does not move the watermark',
    default: 60,
    minimum: 0,
    maximum: 1440,
  },
  {
    name: 'weir.outOfOrdernessSeconds',
    on: 'contract',
    type: 'integer',
    meaning:
      'how far behind the greatest event time of its shard an event may be before the watermark has passed it',
    default: 60,
    minimum: 0,
    maximum: 31_536_000,
  },
  {
    name: 'weir.stateRetentionDays',
    on: 'contract',
    type: 'integer',
    meaning:
      'how long a final window can be revised: an event that arrives this long after its window could last take one is late',
    default: 30,
    minimum: 1,
    maximum: 36500,
  },
  {
    name: 'weir.rawRetentionDays',
    on: 'contract',
    type: 'integer',
    meaning: 'how long raw, from which everything can be rebuilt, is kept',
    default: 730,
    minimum: 31,
    maximum: 36500,
  },
  {
    name: 'weir.rawColdAfterDays',
    on: 'contract',
    type: 'integer',
    meaning:
      'after how many days raw moves to a cheaper storage class, from which it is still read at once; objects under 128 KiB stay, since moving them costs more than it saves',
    default: 'never',
    minimum: 30,
    maximum: 36500,
  },
  {
    name: 'weir.rawColdClass',
    on: 'contract',
    type: 'text',
    meaning:
      'which storage class that is: infrequent (at least 30 days of it are billed), instant-archive (at least 90) or intelligent',
    default: 'infrequent',
  },
  {
    name: 'weir.rawLockDays',
    on: 'contract',
    type: 'integer',
    meaning:
      'for how many days nobody deletes or replaces a raw object who may not lift the lock (S3 Object Lock, governance mode); from a product’s first version on or never',
    default: 'no lock',
    minimum: 1,
    maximum: 36500,
  },
  {
    name: 'weir.quarantineRetentionDays',
    on: 'contract',
    type: 'integer',
    meaning: 'how long rejected rows are kept',
    default: 90,
    minimum: 1,
    maximum: 36500,
  },
  {
    name: 'weir.undecodableRetentionDays',
    on: 'contract',
    type: 'integer',
    meaning: 'how long bytes that nobody could decode are kept, under a key of their own',
    default: 14,
    minimum: 1,
    maximum: 365,
  },
  {
    name: 'weir.maintenance',
    on: 'contract',
    type: 'text',
    meaning:
      'how often the tables are tended: daily, hourly or never. Small files become large ones, old snapshots and what nothing names go',
    default: 'daily',
  },
  {
    name: 'weir.targetFileSizeMb',
    on: 'contract',
    type: 'integer',
    meaning: 'MiB that a data file should have once its partition has so much',
    default: 32,
    minimum: 1,
    maximum: 128,
  },
  {
    name: 'weir.keepSnapshots',
    on: 'contract',
    type: 'integer',
    meaning: 'how many snapshots a table keeps at least, to be queried and rolled back to',
    default: 'as the table’s properties say: 50',
    minimum: 1,
    maximum: 5_000,
  },
  {
    name: 'weir.keepSnapshotsHours',
    on: 'contract',
    type: 'integer',
    meaning:
      'for how long a snapshot is kept after it was current; each is 680 bytes in every commit, and 8 MB of them are kept at most',
    default: 'as the table’s properties say: five minutes',
    minimum: 1,
    maximum: 8760,
  },
  {
    name: 'weir.backfillApprovalCents',
    on: 'contract',
    type: 'integer',
    meaning:
      'above how many US cents, by the high end of its plan, a person has to approve a backfill of the product’s features',
    default: 1_000,
    minimum: 0,
    maximum: 100_000_000,
  },
  {
    name: 'weir.fieldId',
    on: 'field',
    type: 'integer',
    meaning:
      'the Iceberg field id: stated once, never changed, never given to another field; 1 to 9 are Weir’s',
    minimum: 10,
    maximum: 999_999,
  },
  {
    name: 'weir.minimum',
    on: 'field',
    type: 'text',
    meaning: 'the least value of a number, where it has more than 15 digits',
    default: 'logicalTypeOptions.minimum',
  },
  {
    name: 'weir.maximum',
    on: 'field',
    type: 'text',
    meaning: 'the greatest value of a number, where it has more than 15 digits',
    default: 'logicalTypeOptions.maximum',
  },
  {
    name: 'weir.personal',
    on: 'field',
    type: 'boolean',
    meaning: 'whether the field says something about a person',
    default: 'true where the classification is personal or restricted',
  },
] as const satisfies readonly WeirProperty[]

export type WeirPropertyName = (typeof WEIR_PROPERTIES)[number]['name']

/** The property with this name. */
export function weirProperty(name: string): WeirProperty | undefined {
  return WEIR_PROPERTIES.find((property) => property.name === name)
}

/** The candidate that a misspelt name most likely meant, if one is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name.slice(0, 64), candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return near !== undefined && near.distance <= Math.max(2, name.length / 3)
    ? near.candidate
    : undefined
}

function editDistance(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()]
  let previous = Array.from({ length: right.length + 1 }, (_, i) => i)
  for (let i = 1; i <= left.length; i++) {
    const row = [i]
    for (let j = 1; j <= right.length; j++) {
      const substituted = previous[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1)
      row.push(Math.min(substituted, previous[j]! + 1, row[j - 1]! + 1))
    }
    previous = row
  }
  return previous[right.length]!
}
