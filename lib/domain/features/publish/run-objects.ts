import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { BatchView } from '../batch/batch-states.ts'
import type { BatchChunk, BatchPlan } from '../batch/plan-batch.ts'
import type { ReadinessEvidence } from './readiness.ts'
import type { PartCount } from './write-part.ts'

/** What publishing keeps: plans, states of chunks, counts. All of it can be computed again. */
export const PUBLICATIONS_PREFIX = 'publications'

/** What a run is to publish, decided once: whoever goes on with the run goes on with this. */
export interface RunPlan {
  readonly run: string
  readonly by: string
  readonly cut: Micros
  /** Stands in every item: a run that is resumed writes the same bytes. */
  readonly computedAtMs: number
  readonly views: readonly PlannedView[]
}

export interface PlannedView {
  /** The view's name and state name. */
  readonly view: string
  readonly name: string
  readonly definition: string
  readonly table: string
  readonly metadataLocation: string
  readonly snapshotId: string | null
  readonly batch: BatchPlan
  readonly evidence: ReadinessEvidence
}

/** A chunk that has been computed. */
export interface ChunkDone {
  readonly rows: number
}

export function planUri({ bucket }: ProductLayout, run: string): string {
  return `s3://${bucket}/${PUBLICATIONS_PREFIX}/runs/${run}/plan.json`
}

export function partCountUri({ bucket }: ProductLayout, run: string, view: string, part: number) {
  return `s3://${bucket}/${PUBLICATIONS_PREFIX}/runs/${run}/${view}-${part}.json`
}

/** Named by what it is computed from: a run meets what earlier ones have computed of the same files. */
export function chunkPrefix(
  { bucket }: ProductLayout,
  { name, definition }: Pick<BatchView, 'name' | 'definition'>,
  { parts }: Pick<BatchPlan, 'parts'>,
  { from, to, inputs }: BatchChunk,
): string {
  return `s3://${bucket}/${PUBLICATIONS_PREFIX}/states/${name}/${definition}/${from}_${to}-${inputs}-${parts}`
}

/** Undefined if there is none. */
export async function readJson<Content>(
  objects: Pick<ObjectStore, 'get'>,
  uri: string,
): Promise<Content | undefined> {
  try {
    return JSON.parse(Buffer.from(await objects.get(uri)).toString('utf8')) as Content
  } catch (error) {
    if (hasCode(error, 'objects.notFound')) return undefined
    throw error
  }
}

export async function requireJson<Content>(
  objects: Pick<ObjectStore, 'get'>,
  uri: string,
): Promise<Content> {
  const content = await readJson<Content>(objects, uri)
  if (content !== undefined) return content
  throw new PlatformError('features.runIncomplete', `${uri} is not there: begin the run anew`)
}

export function jsonBytes(content: RunPlan | ChunkDone | PartCount): Uint8Array {
  return Buffer.from(JSON.stringify(content))
}
