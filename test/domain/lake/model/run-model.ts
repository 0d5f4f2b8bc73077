import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { FileCatalog, FileObjectStore } from '#test/support/file-lake.ts'
import type { IcebergFiles } from '#test/support/iceberg-files.ts'
import { SparkTables } from '#test/support/spark-tables.ts'
import { countingIds } from '../lake-fixture.ts'
import { EngineChecks } from './engine-checks.ts'
import { SparkChecks } from './spark-checks.ts'
import { type ModelWorld, TableModel } from './table-model.ts'

export interface ModelRun {
  readonly seed: number
  readonly operations: number
  /** Asked and let write now and then; the table stands in files then. @default nobody */
  readonly engines?: IcebergFiles | SparkTables
}

/** What others make of the model's table. */
export interface TableChecks {
  /** Of the files that conditions were asked of, the share that was planned. */
  readonly plannedShare: number
  check(): Promise<void>
  /** Changes the table, as they do it; what was done. */
  write(): Promise<string>
}

export interface ModelReport {
  readonly operations: Readonly<Record<string, number>>
  /** Of the files that conditions were asked of, the share that they left to be read. */
  readonly plannedShare: number
  /** The same for PyIceberg, where it was asked. */
  readonly enginesPlannedShare: number
}

const CHECK_ALL_EVERY = 20

/** Lives the life of one table. Throws what is not as it should be, with the seed and the operation after which. */
export async function runModel({ seed, operations, engines }: ModelRun): Promise<ModelReport> {
  const folder = engines && mkdtempSync(join(tmpdir(), 'lake-model-'))
  const model = await TableModel.create(worldIn(folder, seed), seed)
  const checks = engines && folder ? checksBy(engines, model, folder, seed) : undefined
  let [at, what] = [0, 'nothing yet']
  try {
    for (at = 1; at <= operations; at++) {
      what = await model.step()
      await model.check()
      if (at % CHECK_ALL_EVERY !== 0 && at !== operations) continue
      await model.checkSnapshots()
      if (!checks) continue
      await checks.check()
      if (at === operations) continue
      what = await checks.write()
      await model.check()
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new Error(`seed ${seed}, operation ${at} (${what}): ${why}`, { cause: error })
  } finally {
    if (folder) rmSync(folder, { recursive: true })
  }
  return {
    operations: Object.fromEntries([...model.tally].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    plannedShare: model.plannedShare,
    enginesPlannedShare: checks?.plannedShare ?? 1,
  }
}

function checksBy(
  engines: IcebergFiles | SparkTables,
  model: TableModel,
  folder: string,
  seed: number,
): TableChecks {
  return engines instanceof SparkTables
    ? new SparkChecks(model, engines, folder, seed)
    : new EngineChecks(model, engines, folder, seed)
}

function worldIn(folder: string | undefined, seed: number): ModelWorld {
  // Behind the machine's clock, by which the engines go.
  const clock = { ms: Date.UTC(2025, 0, 1), nowMs: () => clock.ms++ }
  const ids = countingIds(seed)
  if (folder === undefined) {
    const objects = new MemoryObjectStore({ clock })
    const lake = { objects, catalog: new MemoryCatalog(), clock, ids }
    return { lake, remover: objects, location: 's3://lake/rides' }
  }
  const objects = new FileObjectStore(clock)
  const lake = { objects, catalog: new FileCatalog(folder), clock, ids }
  return { lake, remover: objects, location: folder }
}
