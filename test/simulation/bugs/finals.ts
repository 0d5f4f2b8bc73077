import type { PlantedBug } from '../plant.ts'

const FINALIZE = 'lib/domain/process/finalize-windows.ts'
const WATERMARK = 'lib/domain/process/view-watermark.ts'
const RESULTS = 'lib/domain/process/result-files.ts'
const EXPIRE = 'lib/domain/process/expire-slots.ts'
const CLOSED = 'lib/domain/process/closed-windows.ts'

/** What `finalize-windows` can do wrong with watermarks, rows and the slots that it lets go. */
export const finalBugs: readonly PlantedBug[] = [
  {
    name: 'a final row is written once',
    file: FINALIZE,
    search: 'const touched = await touchedPanes(run, entries, closed)',
    replace: 'const touched: never[] = []',
    within: 200,
  },
  {
    name: 'the watermark is the greatest of the shards',
    file: WATERMARK,
    search: 'return Math.min(...counted.map(timeOf))',
    replace: 'return Math.max(...counted.map(timeOf))',
    within: 20,
  },
  {
    name: 'a shard is idle because it is silent',
    file: WATERMARK,
    search: 'if (live.has(shard) && !(await stream.isIdle(shard, head))) return false\n',
    replace: '',
    within: 100,
  },
  {
    name: 'if all shards are idle the watermark jumps',
    file: WATERMARK,
    search: 'return Math.min(...counted.map(timeOf))',
    replace: 'return (active.length > 0 ? Math.min : Math.max)(...counted.map(timeOf))',
    within: 20,
  },
  {
    name: 'a shard counts from its first entry on',
    file: WATERMARK,
    search: 'const shards = [...new Set([...cursors.keys(), ...live.keys()])]',
    replace:
      "const shards = [...cursors].flatMap(([shard, { position }]) => (position === 'start' ? [] : [shard]))",
    within: 100,
  },
  {
    name: 'a shard without entries has no time of its parents',
    file: WATERMARK,
    search: 'return inherited.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...inherited)',
    replace:
      'return inherited.length === 0 ? Number.NEGATIVE_INFINITY : Math.max(...inherited) + 600_000_000',
    within: 100,
  },
  {
    name: 'the watermark is taken from the journal, ahead of the slots',
    file: WATERMARK,
    search:
      '  const timeOf = (shard: string): number => {\n    const cursor = cursors.get(shard)\n',
    replace:
      '  const tops = new Map<string, Cursor>()\n  for (const { shard } of registered) {\n    const top = await journal.head(shard)\n    if (top !== undefined) tops.set(shard, { position: top.last, maxEventTime: top.maxEventTimeAfter! })\n  }\n  const timeOf = (shard: string): number => {\n    const cursor = tops.get(shard)\n',
    within: 100,
  },
  {
    name: 'entries past the cursor are taken',
    file: FINALIZE,
    search: 'if (entry.last > position) break\n',
    replace: '',
    within: 100,
  },
  {
    name: 'a snapshot does not say how far windows are closed',
    file: FINALIZE,
    search:
      'const summary = { ...fencesSummary(reached), [CLOSED_PROPERTY]: String(closing.closed) }',
    replace: 'const summary = fencesSummary(reached)',
    within: 20,
  },
  {
    name: 'windows close without the allowed lateness',
    file: FINALIZE,
    search: 'const bound = Math.max(closed, watermark - run.lateness.allowed)',
    replace: 'const bound = Math.max(closed, watermark)',
    within: 100,
  },
  {
    name: 'windows count as closed that have no rows yet',
    file: CLOSED,
    search: 'return { closed, chunks: fixedChunks(view, wanted, limits.chunkRows) }',
    replace:
      'return { closed: closed + 600_000_000, chunks: fixedChunks(view, wanted, limits.chunkRows) }',
    within: 20,
  },
  {
    name: 'a window that ends just so gets no row',
    file: CLOSED,
    search: 'if (window.end <= from || window.end > to) continue',
    replace: 'if (window.end <= from || window.end >= to) continue',
    within: 1000,
  },
  {
    name: 'a window that ended just so gets another row',
    file: CLOSED,
    search: 'if (window.end <= from || window.end > to) continue',
    replace: 'if (window.end < from || window.end > to) continue',
    within: 20,
  },
  {
    name: 'a row that is replaced does not count it',
    file: RESULTS,
    search: 'found.revision + 1',
    replace: 'found.revision',
    within: 500,
  },
  {
    name: 'a row is replaced by itself',
    file: RESULTS,
    search: 'if (sameValues(run.view, { batch, row }, { batch: fresh, row: 0 })) {',
    replace: 'if (window === undefined) {',
    within: 200,
  },
  {
    name: 'a row that is replaced stays',
    file: RESULTS,
    search: 'removed: revised.removed,',
    replace: 'removed: [],',
    within: 500,
  },
  {
    name: 'rows beside one that is replaced are lost',
    file: RESULTS,
    search: 'if (left.length > 0) files.push',
    replace: 'if (left.length > 1_000) files.push',
    within: 500,
  },
  {
    name: 'slots go before the stream may have forgotten',
    file: EXPIRE,
    search: '    stream.retentionHours * 3_600_000 +\n',
    replace: '',
    within: 20,
  },
  {
    name: 'slots of open windows go',
    file: 'lib/domain/process/expire-slots.ts',
    search: 'if (last <= from || last > to) continue',
    replace: 'if (last <= from) continue',
    within: 20,
  },
  {
    name: 'slots are read eventually consistent',
    file: 'lib/adapters/dynamodb/dynamodb-slot-store.ts',
    search: 'RequestItems: { [this.#tableName]: { Keys: wanted, ConsistentRead: true } },',
    replace: 'RequestItems: { [this.#tableName]: { Keys: wanted, ConsistentRead: false } },',
    within: 200,
  },
  {
    name: 'members of a pane are read eventually consistent',
    file: 'lib/adapters/dynamodb/dynamodb-slot-store.ts',
    search: 'this.#query(membersOf(view, paneStart), undefined, true)',
    replace: 'this.#query(membersOf(view, paneStart), undefined, false)',
    within: 500,
  },
  {
    name: 'a window is called final before it is',
    file: 'lib/domain/features/read-features.ts',
    search: 'return closes <= closed',
    replace: 'return closes <= closed + 3_600_000_000',
    within: 500,
  },
  {
    name: 'a slot that came while a revised window was read counts as expired',
    file: 'lib/domain/process/touched-panes.ts',
    search: 'look <= 2',
    replace: 'look <= 1',
    within: 2400,
  },
  {
    name: 'sessions that just touch are two',
    file: 'lib/domain/process/session.ts',
    search: 'slot.eventTime.min - open.last > gap',
    replace: 'slot.eventTime.min - open.last >= gap',
    within: 310,
  },
  {
    name: 'a shard is idle although its slots are behind',
    file: WATERMARK,
    search: "if ((cursors.get(shard)?.position ?? 'start') !== head) return false\n",
    replace: '',
    within: 200,
  },
  {
    name: 'an empty answer of the stream is taken for its end',
    file: 'lib/adapters/kinesis/stream-progress.ts',
    search: 'if (answer.MillisBehindLatest === 0) return true',
    replace: 'return true',
    within: 200,
  },
  {
    name: 'only the first page of the shards is read',
    file: 'lib/adapters/kinesis/shard-lineage.ts',
    search: 'next = page.NextToken\n',
    replace: 'next = undefined\n',
    within: 20,
  },
  {
    name: 'the fences stand where the cursors are once the rows are written',
    file: FINALIZE,
    search: '  const isIdle = results.files',
    replace:
      '  Object.assign(reached, (await entriesUpTo(run, fences, await cursorsOf(run, run.name))).reached)\n  const isIdle = results.files',
    within: 1900,
  },
  {
    name: 'windows beyond as many rows as fit count as closed',
    file: CLOSED,
    search: 'closed = wanted.at(-1)!.window.end',
    replace: 'closed = to',
    within: 500,
  },
  {
    name: 'windows beyond as many as fit count as closed',
    file: CLOSED,
    search: 'closed = Math.min(to, pane + width)',
    replace: 'closed = to',
    within: 20,
  },
  {
    name: 'a slot that was revised stays for ever',
    file: EXPIRE,
    search: 'if (done !== undefined && isRevised) await expireRevised(run, done, to, atMs)',
    replace: 'void expireRevised',
    within: 200,
  },
]
