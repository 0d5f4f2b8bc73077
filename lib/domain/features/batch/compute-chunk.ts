import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { type ColumnBatch, takeRows } from '#lib/domain/kernel/columns.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned, type ScanPlan } from '#lib/domain/lake/table-scan.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import { shapedRows } from '#lib/domain/process/expressions/view-rows.ts'
import { TouchedSlots } from '#lib/domain/process/touched-slots.ts'
import { rowsOfView } from '#lib/domain/process/view.ts'
import { storedColumnsOf } from '#lib/domain/process/view-columns.ts'
import {
  type BatchView,
  inOrder,
  type KeyPanes,
  mergedKeys,
  type PaneState,
} from './batch-states.ts'
import { partOf, rowsOfParts } from './key-parts.ts'
import { BATCH_LIMITS, type BatchChunk, type BatchPlan, within } from './plan-batch.ts'

export interface BatchSource {
  readonly objects: Pick<ObjectStore, 'get'>
  /** The curated table that the view reads, as it stood when the plan was made. */
  readonly table: Table
  readonly view: BatchView
  /** @default 500,000 */
  readonly maxRows?: number
}

/** What a chunk comes to for the keys of one part, in the order of their texts. */
export interface ChunkPart {
  readonly part: number
  /** Of the whole chunk, also those that the view's filter leaves out. */
  readonly rows: number
  readonly keys: readonly KeyPanes[]
}

/** All rows of a chunk count as one entry: they are added to nothing that was there before. */
const ONE_ENTRY = sequenceNumber('1')

/**
 * Aggregates a chunk's rows by the code of the stream: expressions, filter, panes and aggregates are the same. The rows
 * are those of the curated table, so what came too late for the stream counts. A function of the chunk's files: equal
 * files give equal results, to the byte. Parts come one after another; in memory are one file and the keys and panes of
 * about `maxRows` rows, and the files are read again for each so many.
 */
export async function* computeChunk(
  source: BatchSource,
  { parts }: Pick<BatchPlan, 'parts'>,
  chunk: BatchChunk,
): AsyncGenerator<ChunkPart> {
  const { objects, table, maxRows = BATCH_LIMITS.maxRows } = source
  const scan = await planScan(objects, table, within(source.view, chunk))
  const passes = Math.min(parts, Math.max(1, Math.ceil(chunk.rows / maxRows)))
  for (let pass = 0; pass < passes; pass++) {
    const isOfPass = (part: number) => part % passes === pass
    const { touched, rows } = await aggregated(
      source,
      scan,
      chunk,
      passes > 1 ? { parts, isOfPass } : undefined,
    )
    const ofParts = keysByPart(touched, parts)
    for (let part = pass; part < parts; part += passes) {
      yield { part, rows, keys: ofParts.get(part) ?? [] }
    }
  }
}

/** Every chunk of a plan and all parts of it together, for ranges that fit into memory. */
export async function computeBatch(
  source: BatchSource,
  plan: BatchPlan,
): Promise<readonly KeyPanes[]> {
  const results: (readonly KeyPanes[])[] = []
  for (const chunk of plan.chunks) {
    for await (const { keys } of computeChunk(source, plan, chunk)) results.push(keys)
  }
  return mergedKeys(source.view, results)
}

async function aggregated(
  { view }: BatchSource,
  scan: ScanPlan,
  chunk: BatchChunk,
  only: { readonly parts: number; readonly isOfPass: (part: number) => boolean } | undefined,
): Promise<{ readonly touched: TouchedSlots; readonly rows: number }> {
  const where = within(view, chunk)
  const names = storedColumnsOf(view.view, view.contract, [view.contract.eventTime])
  const fields = tableSchemaOf(view.contract).fields.filter(({ name }) => names.has(name))
  const shape = rowsOfView(view.view, view.contract)
  const touched = touchedOf(view)
  let rows = 0
  for (const file of scan.files.toSorted((a, b) =>
    a.data.file.path < b.data.file.path ? -1 : 1,
  )) {
    const stored = await readPlanned(scan, file, { fields }, where)
    rows += stored.rows
    const { batch, leftOut } = shapedRows(shape, stored)
    if (only === undefined) touched.add(ONE_ENTRY, batch, leftOut)
    else {
      const kept = rowsOfParts(view, rowsThatCount(batch, leftOut), only.parts, only.isOfPass)
      touched.add(ONE_ENTRY, kept)
    }
  }
  return { touched, rows }
}

function touchedOf({ view, contract, name }: BatchView): TouchedSlots {
  const algebras = view.aggregates.map((one) => [one.name, aggregateOf(one, contract)] as const)
  return new TouchedSlots({ view, contract, name, shard: '', algebras })
}

function rowsThatCount(batch: ColumnBatch, leftOut: Uint8Array | undefined): ColumnBatch {
  if (leftOut === undefined) return batch
  const rows = Int32Array.from({ length: batch.rows }, (_, row) => row)
  return takeRows(
    batch,
    rows.filter((row) => leftOut[row] !== 1),
  )
}

function keysByPart(
  touched: TouchedSlots,
  parts: number,
): ReadonlyMap<number, readonly KeyPanes[]> {
  const panesOf = new Map<string, PaneState[]>()
  for (let slot = 0; slot < touched.count; slot++) {
    const { key, paneStart, eventTime, states } = touched.withAdditions(slot, undefined, 0)
    const panes = panesOf.get(key)
    const pane = { paneStart, eventTime, states }
    if (panes === undefined) panesOf.set(key, [pane])
    else panes.push(pane)
  }
  const keys = [...panesOf].sort(([a], [b]) => (a < b ? -1 : 1))
  return Map.groupBy(
    keys.map(([key, panes]) => ({ key, panes: inOrder(panes) })),
    ({ key }) => partOf(key, parts),
  )
}
