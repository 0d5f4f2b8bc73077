import { makeHandler as getFeatures } from '#functions/features/get-features/handler.ts'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { Process } from '../cloud/process.ts'
import { isInjected } from '../cloud/service-errors.ts'
import { between, oneOf } from '../kernel/choices.ts'
import type { Cell } from './cell.ts'
import { KEYS } from './events.ts'
import { clockOf } from './functions.ts'
import { DEPLOYMENTS, VIEW_NAME } from './product.ts'
import { generationsOf, slotsOf } from './windows.ts'

const MINUTE_MS = 60_000

/** Asks for features now and then; whatever it is told must have been true of each shard at some time. */
export function runReader(
  { cloud, windows }: Cell,
  name: string,
  settings: { readonly reads: number; readonly spanMs: number },
): void {
  const { scheduler, choices } = cloud
  const process = new Process(name)
  const random = choices.random(name)
  const { view, checks } = windows
  const handler = getFeatures({
    contracts: DEPLOYMENTS.first,
    views: [view],
    generations: generationsOf(cloud, process),
    slotsOf: slotsOf(cloud, process),
    // Nothing is published here: every answer is the stream's.
    publications: new MemoryPublicationStore(),
    buffers: new MemoryFeatureBuffers(),
    clock: clockOf(cloud, process),
  })
  scheduler.spawn(async () => {
    for (let read = 0; read < settings.reads; read++) {
      const pauseMs = Math.floor((random() * 2 * settings.spanMs) / settings.reads)
      const key = oneOf(random, KEYS)
      const backMinutes = between(random, -10, 200)
      await scheduler.sleep(pauseMs, name, 'pauses')
      const at = new Date(scheduler.nowMs - backMinutes * MINUTE_MS).toISOString()
      try {
        const answer = await handler({ view: VIEW_NAME, key, at })
        checks.mustHaveBeen(answer as FeatureValues, Date.parse(at))
      } catch (error) {
        if (!isInjected(error)) throw error
      }
    }
  })
}
