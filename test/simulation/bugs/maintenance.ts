import type { PlantedBug } from '../plant.ts'

const ORPHANS = 'lib/domain/lake/maintenance/orphans.ts'
const COMPACT = 'lib/domain/lake/maintenance/compact.ts'
const ROLL_BACK = 'lib/domain/lake/maintenance/roll-back.ts'
const STAGE = 'lib/domain/lake/stage-snapshot.ts'

/** What maintenance can do wrong beside live writers. */
export const maintenanceBugs: readonly PlantedBug[] = [
  {
    name: 'what waits to be committed is an orphan',
    file: ORPHANS,
    search: 'const needed = placesOf(fences ? await waiting(fences) : [])',
    replace: 'const needed = placesOf([]); void fences; void waiting',
    within: 100,
  },
  {
    name: 'orphans are of any age',
    file: ORPHANS,
    search: "return lastModifiedMs < youngFromMs ? undefined : 'young'",
    replace:
      "return lastModifiedMs <= Number.POSITIVE_INFINITY + youngFromMs ? undefined : 'young'",
    within: 600,
  },
  {
    name: 'what only an earlier snapshot has is an orphan',
    file: ORPHANS,
    search: 'const named = placesOf(await referencedObjects(lake.objects, table))',
    replace:
      'const named = placesOf(await referencedObjects(lake.objects, { ...table, metadata: { ...table.metadata, snapshots: table.metadata.snapshots.slice(-1) } }))',
    within: 100,
  },
  {
    name: 'compaction leaves what it replaced',
    file: COMPACT,
    search: 'removed: [...removed],',
    replace: 'removed: [],',
    within: 20,
  },
  {
    name: 'compaction takes a batch twice and leaves another',
    file: COMPACT,
    search: 'concatBatches(read.map(({ batch }) => batch))',
    replace:
      'concatBatches(read.map(({ batch }) => read.find((one) => one.batch.rows === batch.rows)!.batch))',
    within: 50,
  },
  {
    name: 'compaction does not look at what is there by now',
    file: COMPACT,
    search: 'from.every(({ file }) => hasSameDeletes(file.path, applied.get(file.path)!)) &&',
    replace: 'from.every(({ file }) => live.size >= 0 || hasSameDeletes(file.path, [])) &&',
    within: 1000,
  },
  {
    name: 'compaction is called an append',
    file: COMPACT,
    search: 'isRewrite: true,',
    replace: 'isRewrite: false,',
    within: 50,
  },
  {
    name: 'maintenance loses the fences',
    file: STAGE,
    search:
      'const carried = properties[FENCES_PROPERTY] === undefined ? await carriedState(table) : undefined',
    replace: 'const carried = undefined as Awaited<ReturnType<typeof carriedState>>',
    within: 20,
  },
  {
    name: 'files that are replaced stay in their manifest',
    file: 'lib/domain/lake/remove-files.ts',
    search: 'untouched: present.filter((_, at) => found[at] === undefined),',
    replace: 'untouched: present,',
    within: 20,
  },
  {
    name: 'manifests that were merged stay',
    file: 'lib/domain/lake/merge-manifests.ts',
    search: 'if (isThere) for (const path of inputs) left.delete(path)\n',
    replace: '',
    within: 20,
  },
  {
    name: 'a rollback leaves the fences where they are',
    file: ROLL_BACK,
    search: "{ kind: 'setProperties', properties: wanted },",
    replace: "{ kind: 'setProperties', properties: { [HOLD_PROPERTY]: reason } },",
    within: 100,
  },
  {
    name: 'a table on hold is committed to',
    file: 'lib/domain/lake/commit-plan.ts',
    search: '  refuseOnHold(table)\n  const major',
    replace: '  const major',
    within: 500,
  },
  {
    name: 'a rollback goes on without a hold',
    file: ROLL_BACK,
    search: 'const wanted = { ...properties, [HOLD_PROPERTY]: reason }',
    replace: 'const wanted = properties; void reason',
    within: 100,
  },
  {
    name: 'only what the table waits for is spared, not what windows are computed from',
    file: 'lib/domain/ops/orphan-sources.ts',
    search: 'pendingFiles(sources, behind(fences, await readPositions(sources)))',
    replace: 'pendingFiles(sources, fences)',
    within: 200,
  },
  {
    name: 'what waits is told by the newest of the fences that are kept',
    file: 'lib/domain/lake/snapshot-state.ts',
    search: '.reduce((a, b) => (isBefore(a, b) ? a : b))',
    replace: '.reduce((a, b) => (isBefore(a, b) ? b : a))',
    within: 100,
  },
]
