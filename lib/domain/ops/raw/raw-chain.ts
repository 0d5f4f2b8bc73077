import { decodeRawBatch, type RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import {
  isAfter,
  type Predecessor,
  type SequenceNumber,
  START,
} from '#lib/domain/kernel/sequence-number.ts'
import { predecessorInUri } from '../check-chain.ts'

/** A raw object in its place: what it holds begins after `prev` and ends at `last`. */
export interface RawLink {
  readonly uri: string
  readonly prev: Predecessor
  readonly first: SequenceNumber
  readonly last: SequenceNumber
  readonly batch: RawBatch
}

/** Where a shard's raw is not whole. What lies after `after` and up to `before` is in no object, or in two. */
export interface RawGap {
  readonly shard: string
  readonly after: Predecessor
  /** Absent where nothing tells how far it reaches. */
  readonly before?: SequenceNumber
  readonly reason: string
}

/** The position that a raw object follows, by its name; undefined if it is none of the shard's. */
export function linksByPrev(
  shard: string,
  uris: Iterable<string>,
): { readonly byPrev: ReadonlyMap<Predecessor, readonly string[]>; readonly foreign: string[] } {
  const byPrev = new Map<Predecessor, string[]>()
  const foreign: string[] = []
  for (const uri of uris) {
    const prev = predecessorInUri(shard, uri)
    if (prev === undefined) foreign.push(uri)
    else byPrev.set(prev, [...(byPrev.get(prev) ?? []), uri])
  }
  return { byPrev, foreign }
}

/** Positions in order, the start before all. */
export function inOrder(positions: Iterable<Predecessor>): readonly Predecessor[] {
  return [...positions].sort((a, b) => {
    if (a === b) return 0
    if (a === START || b === START) return a === START ? -1 : 1
    return a < b ? -1 : 1
  })
}

export type ChainStep =
  | { readonly kind: 'link'; readonly link: RawLink }
  | { readonly kind: 'gap'; readonly gap: RawGap }

/**
 * A shard's raw objects from the first on, each after the one that it follows, as their names say and their contents
 * prove; and a gap wherever the chain does not go on at the position at which it ended. After a gap it goes on behind
 * it. Every object is read.
 */
export async function* followChain(
  objects: Pick<ObjectStore, 'get'>,
  shard: string,
  uris: Iterable<string>,
): AsyncGenerator<ChainStep> {
  const { byPrev, foreign } = linksByPrev(shard, uris)
  for (const uri of foreign) {
    yield gap({ shard, after: START, reason: `${uri} is named like no raw object of the shard` })
  }
  let end: Predecessor | undefined
  const positions = inOrder(byPrev.keys())
  for (const [i, prev] of positions.entries()) {
    const [uri, ...others] = byPrev.get(prev)!
    if (others.length > 0) {
      const reason = `${[uri, ...others].join(' and ')} both follow ${prev}`
      yield gap({ shard, after: prev, reason })
    }
    if (end !== undefined && prev !== end) {
      const isBehind = prev !== START && isAfter(prev, end)
      yield isBehind
        ? gap({ shard, after: end, before: prev, reason: `no raw object follows ${end}` })
        : gap({ shard, after: prev, reason: `${uri} overlaps what ends at ${end}` })
    }
    const link = await read(objects, shard, uri!, prev)
    if ('reason' in link) {
      const next = positions[i + 1]
      const isKnown = next !== undefined && next !== START
      yield gap({ shard, after: prev, ...(isKnown ? { before: next } : {}), reason: link.reason })
      end = undefined
    } else {
      yield { kind: 'link', link }
      end = link.last
    }
  }
}

function gap(found: RawGap): ChainStep {
  return { kind: 'gap', gap: found }
}

async function read(
  objects: Pick<ObjectStore, 'get'>,
  shard: string,
  uri: string,
  prev: Predecessor,
): Promise<RawLink | { readonly reason: string }> {
  let batch: RawBatch
  try {
    batch = decodeRawBatch(uri, await objects.get(uri))
  } catch (error) {
    // What the object says is not known; that a store fails is no finding.
    if (!hasCode(error, 'raw.unreadable') && !hasCode(error, 'objects.notFound')) throw error
    return { reason: (error as Error).message }
  }
  const { events } = batch
  const first = events[0]!.sequence
  const last = events.at(-1)!.sequence
  if (batch.shard !== shard) return { reason: `${uri} holds events of shard ${batch.shard}` }
  if (!isAfter(first, prev)) return { reason: `${uri} begins at ${first}, before what it follows` }
  for (const [i, event] of events.entries()) {
    const before = events[i - 1]
    const isNext =
      before === undefined
        ? event.index === 0
        : event.sequence === before.sequence
          ? event.index === before.index + 1
          : event.sequence > before.sequence && event.index === 0
    if (!isNext) {
      return { reason: `${uri} has event ${event.index} of ${event.sequence} out of its order` }
    }
  }
  return { uri, prev, first, last, batch }
}
