import { writeFileSync } from 'node:fs'
import { encodeParquet } from '#lib/domain/lake/parquet/encode.ts'
import { writeByObjects } from '#test/support/reference/parquet.ts'
import { median } from '../decode/median.ts'
import { CASES, type Case, type Table } from './batches.ts'

/** Who is measured here; pyarrow is in a file of its own. */
export type Writer = 'ours' | 'hyparquet-writer'

/** Processor time after which code is as fast as it gets; a machine may be busy meanwhile. */
const WARM_UP_MICROS = 2_000_000
const REPEATS = 15

/** All that can be made ready before stands ready. */
function writerOf(who: Writer, { schema, batch }: Table): () => Uint8Array {
  if (who === 'ours') return () => encodeParquet(schema, batch).bytes
  return writeByObjects(schema, batch)
}

/** The median of processor time per row, in nanoseconds: of all threads, because a garbage collector's work counts. */
function measure(write: () => unknown, rows: number, times: number): number {
  const start = process.cpuUsage()
  const sinceStart = () => {
    const { user, system } = process.cpuUsage(start)
    return user + system
  }
  while (sinceStart() < WARM_UP_MICROS) write()
  const measured = Array.from({ length: REPEATS }, () => {
    const before = sinceStart()
    for (let i = 0; i < times; i++) write()
    return (1_000 * (sinceStart() - before)) / (times * rows)
  })
  return median(measured)
}

const [name, who, file] = process.argv.slice(2) as [Case, Writer, string | undefined]
const table = CASES[name].table()
const write = writerOf(who, table)
if (file !== undefined) writeFileSync(file, write())
else process.stdout.write(String(measure(write, table.batch.rows, CASES[name].times)))
