import type { PlantedBug } from '../plant.ts'

const COMMIT = 'lib/domain/lake/commit.ts'
const FENCES = 'lib/domain/lake/fences.ts'

/** What `commit-snapshots` can do wrong with a table. */
export const lakeBugs: readonly PlantedBug[] = [
  {
    name: 'there is no fence',
    file: 'lib/domain/lake/commit-plan.ts',
    search: 'const fences: Record<string, Predecessor> = { ...readFences(table) }',
    replace: 'const fences: Record<string, Predecessor> = {}; readFences(table)',
    within: 10,
  },
  {
    name: 'the fences stand in the summary of the newest snapshot only',
    file: FENCES,
    search:
      'const text = table.properties[FENCES_PROPERTY]\n  if (text === undefined) return {}\n  const { snapshot, shards } = parse(text, table)',
    replace:
      'const text = table.currentSnapshot?.summary[FENCES_PROPERTY]\n  if (text === undefined) return {}\n  const snapshot = String(table.currentSnapshot!.snapshotId)\n  const { shards } = parse(`{"snapshot":"","shards":${text}}`, table)',
    within: 100,
  },
  {
    name: 'a rollback is not noticed',
    file: FENCES,
    search: 'if (!table.isAncestor(BigInt(snapshot))) {',
    replace: 'if (table.isAncestor(-1n)) {',
    within: 200,
  },
  {
    name: 'UpdateTable is told no version',
    file: 'lib/adapters/glue/glue-catalog.ts',
    search: '          VersionId: expectedVersion,\n',
    replace: '',
    within: 50,
  },
  {
    name: 'a commit is repeated without asking what the table has by now',
    file: COMMIT,
    search:
      '  let prepared: Prepared | undefined\n  for (let attempt = 1; ; attempt++) {\n    const { table, version } = await requireTable(lake, name)\n    const append = await decide(table)',
    replace:
      '  let prepared: Prepared | undefined\n  let append: Append | undefined\n  for (let attempt = 1; ; attempt++) {\n    const { table, version } = await requireTable(lake, name)\n    append ??= await decide(table)',
    within: 50,
  },
  {
    name: 'a manifest is used again although the set of files shrank',
    file: COMMIT,
    search: 'if (earlier?.key === key && !snapshotOf(metadata, earlier.snapshotId)) return earlier',
    replace: 'if (earlier && !snapshotOf(metadata, earlier.snapshotId)) return earlier',
    within: 1000,
  },
  {
    name: 'a manifest is used again although its snapshot is in the table',
    file: COMMIT,
    search: 'if (earlier?.key === key && !snapshotOf(metadata, earlier.snapshotId)) return earlier',
    replace: 'if (earlier) return earlier',
    within: 1000,
  },
  {
    name: 'a snapshot leaves out the manifests before it',
    file: COMMIT,
    search: '...(await manifestsOf(lake.objects, parent)),',
    replace: '...(await manifestsOf(lake.objects, parent)).slice(0, 0),',
    within: 5,
  },
  {
    name: 'the manifest list is on its way when the table points to it',
    file: COMMIT,
    search: "await writeNew(lake.objects, manifestList, list, 'application/octet-stream')",
    replace:
      "void writeNew(lake.objects, manifestList, list, 'application/octet-stream').catch(() => undefined)",
    within: 200,
  },
  {
    name: 'the version is read after the metadata',
    file: 'lib/domain/lake/table.ts',
    search: '    version: entry.version,\n',
    replace: '    version: (await lake.catalog.load(name))!.version,\n',
    within: 1000,
  },
  {
    name: 'a new table is entered before its metadata is there',
    file: 'lib/domain/lake/table.ts',
    search:
      "await writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json')",
    replace:
      "void writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json').catch(() => undefined)",
    within: 50,
  },
  {
    name: 'a conflict is taken for a success',
    file: COMMIT,
    search: '      if (!mustReload(error)) throw error\n',
    replace:
      '      if (!mustReload(error)) throw error\n      return { table, attempts: attempt, committed: false }\n',
    within: 5000,
  },
]
