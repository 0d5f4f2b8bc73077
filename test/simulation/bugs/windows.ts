import type { PlantedBug } from '../plant.ts'

const UPDATE = 'lib/domain/process/update-windows.ts'
const TOUCHED = 'lib/domain/process/touched-slots.ts'
const SLOTS = 'lib/adapters/dynamodb/dynamodb-slot-store.ts'

/** What `update-windows` and its store can do wrong with slots and cursors. */
export const windowBugs: readonly PlantedBug[] = [
  {
    name: 'a slot takes entries that it has',
    file: TOUCHED,
    search: 'const covered = stored?.sequence ?? START',
    replace: 'const covered = START',
    within: 20,
  },
  {
    name: 'a slot that has some of the entries takes all of them',
    file: TOUCHED,
    search: ": 'part'",
    replace: ": 'none'",
    within: 50,
  },
  {
    name: 'a slot that has some of the entries goes without the others',
    file: UPDATE,
    search: "if (coverage === 'part') inPart = true\n",
    replace: '',
    within: 50,
  },
  {
    name: 'a slot is as old as the oldest entry that was added',
    file: TOUCHED,
    search: 'sequence: this.#sequences[this.#newest[slot]!]!,',
    replace: 'sequence: this.#sequences[this.#oldest[slot]!]!,',
    within: 50,
  },
  {
    name: 'a slot is written whatever it has by now',
    file: SLOTS,
    search:
      "          ...(sequenceRead === undefined\n            ? { ConditionExpression: 'attribute_not_exists(#sequence)' }\n            : {\n                ConditionExpression: '#sequence = :read',\n                ExpressionAttributeValues: { ':read': { S: sequenceRead } },\n              }),\n",
    replace:
      "          ...(sequenceRead === 'never' ? {} : { ExpressionAttributeNames: undefined }),\n",
    within: 20,
  },
  {
    name: 'a slot is written if it is not older than it was read',
    file: SLOTS,
    search: "            : {\n                ConditionExpression: '#sequence = :read',",
    replace: "            : {\n                ConditionExpression: '#sequence >= :read',",
    within: 20,
  },
  {
    name: 'a slot that somebody else wrote is left to him',
    file: UPDATE,
    search: 'pending = writing.filter((_, at) => outcomes[at] === false)',
    replace: 'pending = writing.slice(0, 0)',
    within: 1000,
  },
  {
    name: 'the cursor moves before the slots are written',
    file: UPDATE,
    search: 'const applied = await applyEntries(run, shard, entries)\n',
    replace:
      'await slots.advanceCursor(name, shard, { position: last.last, definition, ...(last.maxEventTimeAfter === undefined ? {} : { maxEventTime: last.maxEventTimeAfter }) })\n    const applied = await applyEntries(run, shard, entries)\n',
    within: 20,
  },
  {
    name: 'the cursor may go back',
    file: SLOTS,
    search: "      ConditionExpression: 'attribute_not_exists(#sequence) OR #sequence < :to',\n",
    replace: '',
    within: 20,
  },
  {
    name: 'shards share a slot',
    file: SLOTS,
    search: '`${isoOf(paneStart)}#${shard}`',
    replace: '`${isoOf(paneStart)}#${shard.slice(0, 1)}`',
    within: 20,
  },
  {
    name: 'a reader is told of two windows at once',
    file: SLOTS,
    search: 'return slots.filter((slot) => slot.paneStart === newest)',
    replace: 'return slots',
    within: 20,
  },
  {
    name: 'a reader is told of one shard only',
    file: 'lib/domain/features/read-features.ts',
    search: 'mergedValues(view, contract, found?.slots ?? [])',
    replace: 'mergedValues(view, contract, (found?.slots ?? []).slice(0, 1))',
    within: 20,
  },
]
