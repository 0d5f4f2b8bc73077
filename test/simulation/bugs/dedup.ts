import type { PlantedBug } from '../plant.ts'

const JUDGE = 'lib/domain/ingest/judge.ts'
const MEMORY = 'lib/domain/ingest/shard-memory.ts'
const LINEAGE = 'lib/domain/ingest/lineage.ts'

/** What can be wrong with who is a duplicate of whom, and with the time that an entry carries. */
export const dedupBugs: readonly PlantedBug[] = [
  {
    name: 'nothing is a duplicate',
    file: JUDGE,
    search: 'if (before !== NEVER && minute - before < this.#horizonMinutes) return false\n',
    replace: '',
    within: 20,
  },
  {
    name: 'the horizon is a minute too long',
    file: JUDGE,
    search: 'minute - before < this.#horizonMinutes',
    replace: 'minute - before <= this.#horizonMinutes',
    within: 90,
  },
  {
    name: 'duplicates within a batch are not looked for',
    file: JUDGE,
    search: '; places[place] !== 0; place = (place + 1) & mask',
    replace: '; false; ',
    within: 20,
  },
  {
    name: 'the maximum event time counts duplicates',
    file: JUDGE,
    search: 'if (!admission.admits(this.#identities, at, minute, this.#before[row]!)) return\n',
    replace:
      'if (!admission.admits(this.#identities, at, minute, this.#before[row]!)) { admission.times.cappedMax = Math.max(admission.times.cappedMax, this.#halves[2 * row + 1]! * 2 ** 32 + (this.#halves[2 * row]! >>> 0)); return }\n',
    within: 20,
  },
  {
    name: 'the maximum event time believes events from the future',
    file: JUDGE,
    search: 'const capped = Math.min(time, arrivals[row]! + this.#skewMicros)',
    replace: 'const capped = time',
    within: 20,
  },
  {
    name: 'no ancestor is remembered',
    file: MEMORY,
    search: '[registration.shard, ...ancestorsOf(registration)]',
    replace: '[registration.shard]',
    within: 20,
  },
  {
    name: 'only parents are remembered',
    file: 'lib/domain/ingest/journal.ts',
    search: '    next.push(...(registration.lineage[shard] ?? []))\n',
    replace: '',
    within: 100,
  },
  {
    name: 'a shard starts with the maximum event time of the greater parent',
    file: LINEAGE,
    search: 'return Math.min(...(times as number[]))',
    replace: 'return Math.max(...(times as number[]))',
    within: 100,
  },
  {
    name: 'a parent without entries stands for nothing',
    file: LINEAGE,
    search: 'return head === undefined ? fromParents(shard) : head.maxEventTimeAfter',
    replace: 'return head?.maxEventTimeAfter',
    within: 20,
  },
  {
    name: 'a registration knows only what the stream still lists',
    file: LINEAGE,
    search: 'for (const [id, ids] of Object.entries(lineage)) parents.set(id, ids)',
    replace: 'void lineage',
    within: 2000,
  },
  {
    name: 'a shard has entries and no registration',
    file: LINEAGE,
    search: 'return journal.register({ shard, lineage: closureOf(parents, shard), startDate })',
    replace: 'return { shard, lineage: closureOf(parents, shard), startDate }',
    within: 20,
  },
  {
    name: 'the horizon is a minute too short',
    file: JUDGE,
    search: 'minute - before < this.#horizonMinutes',
    replace: 'minute - before < this.#horizonMinutes - 1',
    within: 2000,
  },
  {
    name: 'what is admitted again outlives the horizon by its duplicates',
    file: JUDGE,
    search: 'if (minute - this.minutes[places[place]! - 1]! < this.#horizonMinutes) return false\n',
    replace: 'return false\n',
    within: 1500,
  },
]
