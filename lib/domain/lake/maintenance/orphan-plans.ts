import { gunzipSync, gzipSync } from 'node:zlib'
import { contentHash } from '../../kernel/content-hash.ts'
import type { ObjectStore } from '../../kernel/object-store.ts'
import { type OrphanPlan, READER_GRACE_MS } from './orphans.ts'

/** A plan that is kept, and since when it may be carried out. */
export interface KeptPlan {
  readonly foundAtMs: number
  readonly dueAtMs: number
  readonly uri: string
}

/**
 * Keeps a plan under a prefix of its own, until the readers' grace is over: whoever comes then, on whatever machine, finds
 * it. Nothing is overwritten; plans that nobody carries out are the store's to expire.
 */
export async function keepPlan(
  objects: ObjectStore,
  prefix: string,
  plan: OrphanPlan,
): Promise<KeptPlan> {
  const bytes = gzipSync(JSON.stringify(plan))
  const uri = `${prefix}${String(plan.foundAtMs).padStart(15, '0')}-${contentHash(bytes)}.json.gz`
  await objects.putIfAbsent(uri, bytes, { contentType: 'application/gzip' })
  return keptAt(prefix, uri)
}

/** The plans that are kept, oldest first. */
export async function keptPlans(
  objects: Pick<ObjectStore, 'list'>,
  prefix: string,
): Promise<readonly KeptPlan[]> {
  const kept: KeptPlan[] = []
  for await (const { uri } of objects.list(prefix)) kept.push(keptAt(prefix, uri))
  return kept
}

/** The newest plan that may be carried out by now. */
export function duePlan(kept: readonly KeptPlan[], nowMs: number): KeptPlan | undefined {
  return kept.findLast(({ dueAtMs }) => dueAtMs <= nowMs)
}

/** The plan that was kept. */
export async function readPlan(
  objects: Pick<ObjectStore, 'get'>,
  { uri }: KeptPlan,
): Promise<OrphanPlan> {
  return JSON.parse(gunzipSync(await objects.get(uri)).toString()) as OrphanPlan
}

function keptAt(prefix: string, uri: string): KeptPlan {
  const foundAtMs = Number(uri.slice(prefix.length).split('-')[0])
  return { foundAtMs, dueAtMs: foundAtMs + READER_GRACE_MS, uri }
}
