import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

export const MEMORY_CASES = [
  'tiny and rejected',
  'tiny and accepted',
  'trips, compressed',
  'trips, plain',
  'three bytes a letter',
  'bombs that are no JSON',
] as const
export type MemoryCase = (typeof MEMORY_CASES)[number]

const REFERENCE = 'unpackRecord, decode and judge, an object per event'
const folder = join(import.meta.dirname, 'archive')

/**
 * From the Lambda event to the journal entry, all stores in memory, on one core: the archive beside the reference that
 * makes texts and objects of every event. What both leave in the stores is compared first.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const file = join(folder, 'run-case.ts')
  for (const [name, what] of Object.entries(CASES)) {
    if (args.length > 0 && !args.includes(name)) continue
    const times = JSON.parse(inProcess(file, name)) as ArchiveTimes
    const [ours, theirs] = [times.archive, times.reference].map((ns) => Math.round(1e9 / ns))
    yield {
      name: `archive/${name}`,
      peer: REFERENCE,
      ours: ours!,
      theirs: theirs!,
      ratio: Number((ours! / theirs!).toFixed(2)),
      unit: 'events per second and core, Lambda event to journal entry',
      equal: times.equal,
      what,
    }
  }
  if (args.length === 0 || args.includes('memory')) yield* memory()
}

/** The most that a process ever held, from its start to the end of the worst invocations. */
function* memory(): Iterable<Comparison> {
  const temporary = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const file = join(temporary, 'records.json')
  const measured = (step: string, name: MemoryCase) =>
    Math.round(Number(inProcess(join(folder, 'memory-case.ts'), step, name, file)))
  try {
    for (const name of MEMORY_CASES) {
      measured('make', name)
      const [ours, theirs] = [measured('archive', name), measured('reference', name)]
      yield {
        name: `archive/memory/${name}`,
        peer: REFERENCE,
        ours,
        theirs,
        ratio: Number((theirs / ours).toFixed(2)),
        unit: 'MiB at most',
        equal: true,
      }
    }
  } finally {
    rmSync(temporary, { recursive: true })
  }
}
