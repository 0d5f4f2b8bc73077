import type { PlantedBug } from '../plant.ts'

const COMMIT = 'lib/domain/lake/commit.ts'
const STAGE = 'lib/domain/lake/stage-snapshot.ts'
const FENCES = 'lib/domain/lake/fences.ts'

/** What `commit-snapshots` can do wrong with a table. */
export const lakeBugs: readonly PlantedBug[] = [
  {
    name: 'there is no fence',
    file: 'lib/domain/lake/commit-plan.ts',
    search: 'const fences: Record<string, Predecessor> = { ...(await readFences(table)) }',
    replace: 'const fences: Record<string, Predecessor> = {}; await readFences(table)',
    within: 20,
  },
  {
    name: 'the fences stand in the summary of the newest snapshot only',
    file: FENCES,
    search:
      'const text = table.properties[FENCES_PROPERTY]\n  if (text === undefined) return {}\n  const { snapshot, shards } = parse(text, table)',
    replace:
      'const text = table.currentSnapshot?.summary[FENCES_PROPERTY]\n  if (text === undefined) return {}\n  const snapshot = String(table.currentSnapshot!.snapshotId)\n  const { shards } = parse(`{"snapshot":"","shards":${text}}`, table)',
    within: 200,
  },
  {
    name: 'a rollback is not noticed',
    file: FENCES,
    search: "if (descent !== 'descends') throw outOfStep(table, snapshot, descent)",
    replace: "if (descent === 'unknown') throw outOfStep(table, snapshot, descent)",
    within: 500,
  },
  {
    name: 'UpdateTable is told no version',
    file: 'lib/adapters/glue/glue-catalog.ts',
    search: '          VersionId: expectedVersion,\n',
    replace: '',
    within: 20,
  },
  {
    name: 'a commit is repeated without asking what the table has by now',
    file: COMMIT,
    search: 'const change = await decide(before)',
    replace: 'const change = await (decide.once ??= decide(before))',
    within: 20,
  },
  {
    name: 'a manifest is used again although the set of files shrank',
    file: STAGE,
    search: 'const isGood = earlier?.key === key &&',
    replace: 'const isGood = earlier &&',
    within: 20,
  },
  {
    name: 'a snapshot leaves out the manifests before it',
    file: STAGE,
    search: 'const present = (await manifestsOf(lake.objects, parent)).filter(isLive)',
    replace: 'const present = (await manifestsOf(lake.objects, parent)).slice(0, 0).filter(isLive)',
    within: 20,
  },
  {
    name: 'the manifest list is on its way when the table points to it',
    file: STAGE,
    search: "await writeNew(objects, uri, list, 'application/octet-stream')",
    replace: "void writeNew(objects, uri, list, 'application/octet-stream').catch(() => undefined)",
    within: 20,
  },
  {
    name: 'the version is read after the metadata',
    file: 'lib/domain/lake/table.ts',
    search: '    version: entry.version,\n',
    replace: '    version: (await lake.catalog.load(name))!.version,\n',
    within: 20,
  },
  {
    name: 'a new table is entered before its metadata is there',
    file: 'lib/domain/lake/table.ts',
    search:
      "await writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json')",
    replace:
      "void writeNew(objects, metadataLocation, encodeTableMetadata(metadata), 'application/json').catch(() => undefined)",
    within: 20,
  },
  {
    name: 'a conflict is taken for a success',
    file: 'lib/domain/lake/swap-metadata.ts',
    search: '      if (!mustReload(error)) throw error\n',
    replace:
      '      if (!mustReload(error)) throw error\n      return { table: tableFrom(lake, name, metadata, metadataLocation), attempts: attempt }\n',
    within: 200,
  },
  {
    name: 'of a shard that waits the entry that cannot be read is left out',
    file: 'lib/domain/lake/commit-plan.ts',
    search: 'return !waiting.has(shard)',
    replace: 'return problem === undefined',
    within: 500,
  },
]
