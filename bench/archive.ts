import { join } from 'node:path'
import type { ArchiveTimes } from './archive/run-case.ts'
import type { Comparison } from './comparison.ts'
import { inProcess } from './decode/in-process.ts'

const CASES = {
  zstd: 'batches of 100 events of 1 KiB, zstd',
  batch: 'batches of 100 events of 1 KiB',
  single: 'one event of 1 KiB per record',
} as const
export type Case = keyof typeof CASES

/**
 * From the Lambda event to the journal entry, all stores in memory, on one core: the archive beside the reference that
 * makes texts and objects of every event. What both leave in the stores is compared first.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const file = join(import.meta.dirname, 'archive', 'run-case.ts')
  for (const [name, what] of Object.entries(CASES)) {
    if (args.length > 0 && !args.includes(name)) continue
    const times = JSON.parse(inProcess(file, name)) as ArchiveTimes
    const [ours, theirs] = [times.archive, times.reference].map((ns) => Math.round(1e9 / ns))
    yield {
      name: `archive/${name}`,
      peer: 'unpackRecord, decode and judge, an object per event',
      ours: ours!,
      theirs: theirs!,
      ratio: Number((ours! / theirs!).toFixed(2)),
      unit: 'events per second and core, Lambda event to journal entry',
      equal: times.equal,
      what,
    }
  }
}
