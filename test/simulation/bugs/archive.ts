import type { PlantedBug } from '../plant.ts'

const ARCHIVE = 'lib/domain/ingest/archive.ts'
const DERIVED = 'lib/domain/ingest/derived-objects.ts'

/** What `archive-events` can do wrong with raw, derived objects and entries. */
export const archiveBugs: readonly PlantedBug[] = [
  {
    name: 'raw is put, not created',
    file: ARCHIVE,
    search: 'const outcome = await objects.putIfAbsent(uri, body, lock)',
    replace: "const outcome: string = 'created'; await objects.put(uri, body, lock)",
    within: 20,
  },
  {
    name: 'raw exists, and we go on with our own content',
    file: ARCHIVE,
    search: "if (outcome === 'created') return decided(shard, inForce, records)",
    replace: 'if (outcome !== null) return decided(shard, inForce, records)',
    within: 20,
  },
  {
    name: 'an adopted batch is taken for all of it',
    file: ARCHIVE,
    search: '      entries.push(head)\n',
    replace: '      entries.push(head)\n      if (entries.length > 0) return entries\n',
    within: 20,
  },
  {
    name: 'raw is dated by the last record of the batch',
    file: ARCHIVE,
    search: 'head === undefined ? registration.startDate : dateOf(head.arrival.last)',
    replace: 'dateOf(pending.at(-1)!.arrivalMicros)',
    within: 20,
  },
  {
    name: 'the bytes of an undecodable record are not kept',
    file: ARCHIVE,
    search: 'for (const line of received.stubs.keys()) {',
    replace: 'for (const line of [...received.stubs.keys()].slice(1)) {',
    within: 20,
  },
  {
    name: 'the verdicts object is on its way when the entry names it',
    file: DERIVED,
    search: 'await objects.put(derived.verdictsUri, bytes)',
    replace: 'void objects.put(derived.verdictsUri, bytes).catch(() => undefined)',
    within: 20,
  },
  {
    name: 'a curated file is on its way when the entry names it',
    file: DERIVED,
    search: 'await objects.put(file.path, bytes)',
    replace: 'void objects.put(file.path, bytes).catch(() => undefined)',
    within: 20,
  },
  {
    name: 'a single rejected event is not worth a quarantine file',
    file: DERIVED,
    search: 'if (judgement.rejected.length > 0) {',
    replace: 'if (judgement.rejected.length > 1) {',
    within: 20,
  },
  {
    name: 'files have no content hash in their names',
    file: 'lib/domain/ingest/layout.ts',
    search: 'data/${folder}${shard}-${last}-${hash}.parquet`',
    replace: 'data/${folder}${shard}-${last}.parquet`',
    within: 50,
  },
  {
    name: 'the verdicts object has no content hash in its name',
    file: 'lib/domain/ingest/layout.ts',
    search: '${verdictsPrefix(layout)}${shard}/${last}-${hash}.json.zst`',
    replace: '${verdictsPrefix(layout)}${shard}/${last}.json.zst`',
    within: 50,
  },
  {
    name: 'what lies before the head is not skipped',
    file: ARCHIVE,
    search:
      'const pending = records.filter((record) => isAfter(record.sequence, prev))\n      if (pending.length === 0) return entries',
    replace:
      'const pending = records\n      if (prev !== START && !isAfter(records.at(-1)!.sequence, prev)) return entries',
    within: 20,
  },
  {
    name: 'an attempt goes on with its own entry instead of the one that is there',
    file: ARCHIVE,
    search: 'const entry = await journal.append(proposed)',
    replace: 'await journal.append(proposed); const entry = proposed as JournalEntry',
    within: 1500,
  },
  {
    name: 'an attempt remembers its own verdicts though another entry won',
    file: ARCHIVE,
    search: 'if (entry.verdictsUri === proposed.verdictsUri) {',
    replace: "if (entry.verdictsUri !== 'never') {",
    within: 1000,
  },
  {
    name: 'what is remembered is ahead of the journal',
    file: ARCHIVE,
    search: 'const entry = await journal.append(proposed)',
    replace:
      'memory.admit(judgement.identities, judgement.arrivalMinutes); const entry = await journal.append(proposed)',
    within: 1000,
  },
  {
    name: 'what is remembered is trusted whatever the head is',
    file: ARCHIVE,
    search:
      '      kept.head.last === head?.last &&\n      kept.head.verdictsUri === head.verdictsUri &&\n',
    replace: '',
    within: 20,
  },
  {
    name: 'a batch is judged by the version that is deployed, not by the one that raw names',
    file: ARCHIVE,
    search: 'const named = contracts.inForce(raw.contractVersion)',
    replace: 'const named = contracts.inForce(version)',
    within: 700,
  },
  {
    name: 'the greatest arrival is that of the batch',
    file: 'lib/domain/ingest/batch-entry.ts',
    search: 'greatest: Math.max(latest, head?.arrival.greatest ?? latest)',
    replace: 'greatest: latest',
    within: 100,
  },
  {
    name: 'an entry has the event time of its last row',
    file: 'lib/domain/ingest/judge.ts',
    search: 'if (time < times.min) times.min = time',
    replace: 'times.min = time',
    within: 20,
  },
  {
    name: 'quarantine has no texts',
    file: 'lib/domain/ingest/quarantine-file.ts',
    search: "['event', eventTexts(rejected, received)],",
    replace: "['event', text(() => undefined)],",
    within: 20,
  },
  {
    name: 'quarantine names the version that is deployed',
    file: ARCHIVE,
    search: 'await writeDerived(this.#deps, batch, judgement)',
    replace:
      'await writeDerived(this.#deps, { ...batch, inForce: this.#deps.contracts.inForce(this.#deps.contracts.current.version) }, judgement)',
    within: 700,
  },
]
