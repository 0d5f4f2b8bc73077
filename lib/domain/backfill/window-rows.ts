import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { batchViewOf } from '#lib/domain/features/batch/batch-states.ts'
import { finalRowsOf } from '#lib/domain/features/batch/batch-windows.ts'
import { computeChunk } from '#lib/domain/features/batch/compute-chunk.ts'
import { type BatchChunk, planBatch } from '#lib/domain/features/batch/plan-batch.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import type { FinalRow } from '#lib/domain/process/feature-table.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { paneStart, panesOf, type TimeWindow, windowsOfPane } from '#lib/domain/process/window.ts'

/** The windows of a view that start in [from, to), all of them whole. */
export interface WantedWindows {
  readonly view: ViewDefinition
  readonly contracts: ContractVersions
  /** The curated table, as it stood when the round began. */
  readonly source: Table
  readonly from: Micros
  readonly to: Micros
  /** When the rows count as made. */
  readonly computedAtMs: number
}

/** Computes windows, each once, some at a time; equal input gives equal rows. */
export type ComputeWindows = (wanted: WantedWindows) => AsyncIterable<readonly FinalRow[]>

/** By the code of the stream, over the rows of the table. */
export function fromRows(objects: Pick<ObjectStore, 'get'>): ComputeWindows {
  return async function* ({ view, contracts, source, from, to, computedAtMs }) {
    const batchView = batchViewOf(view, contracts)
    const range = { from, to: lastEventOf(view, to) }
    const plan = await planBatch(objects, source, batchView, range)
    // One piece of all: a window that reaches over midnight needs the rows of either day.
    const sum = (of: (chunk: BatchChunk) => number) =>
      plan.chunks.reduce((total, chunk) => total + of(chunk), 0)
    const whole: BatchChunk = {
      ...plan.range,
      rows: sum(({ rows }) => rows),
      bytes: sum(({ bytes }) => bytes),
      files: sum(({ files }) => files),
      inputs: '',
    }
    const isWanted = ({ start }: TimeWindow) => start >= from && start < to
    for await (const { keys } of computeChunk(
      { objects, table: source, view: batchView },
      plan,
      whole,
    )) {
      yield keys.flatMap((key) => finalRowsOf(batchView, key, { isWanted, computedAtMs }))
    }
  }
}

/** Where the last window ends that starts before `to`. Throws `backfill.unsupportedWindow`. */
export function lastEventOf({ name, window }: ViewDefinition, to: Micros): Micros {
  if (window.kind === 'tumbling' || window.kind === 'sliding') {
    return windowsOfPane(window, paneStart(panesOf(window), to - 1)).at(-1)!.end
  }
  throw new PlatformError(
    'backfill.unsupportedWindow',
    `view "${name}" has ${window.kind === 'session' ? 'sessions, which end on no day' : 'a running total, which no table holds'}: compute it anew with \`weir replay start\``,
  )
}
