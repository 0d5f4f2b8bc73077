import { makeHandler as getFeatures } from '#functions/features/get-features/handler.ts'
import { Process } from '../cloud/process.ts'
import { between, oneOf } from '../kernel/choices.ts'
import type { Cell } from './cell.ts'
import { KEYS } from './events.ts'
import { clockOf } from './functions.ts'
import { DEPLOYMENTS, VIEW } from './product.ts'
import { generationsOf, slotsOf } from './windows.ts'

const MINUTE_MS = 60_000

/** Asks for features now and then; whatever it is told must have been true of each shard at some time. */
export function runReader(
  { cloud, windows: checks }: Cell,
  name: string,
  settings: { readonly reads: number; readonly spanMs: number },
): void {
  const { scheduler, choices } = cloud
  const process = new Process(name)
  const random = choices.random(name)
  const slots = slotsOf(cloud, process)
  const handler = getFeatures({
    contracts: DEPLOYMENTS.first,
    views: [VIEW],
    generations: generationsOf(cloud, process),
    slotsOf: () => slots,
    clock: clockOf(cloud, process),
  })
  scheduler.spawn(async () => {
    for (let read = 0; read < settings.reads; read++) {
      const pauseMs = Math.floor((random() * 2 * settings.spanMs) / settings.reads)
      const key = oneOf(random, KEYS)
      const backMinutes = between(random, -10, 200)
      await scheduler.sleep(pauseMs, name, 'pauses')
      const at = new Date(scheduler.nowMs - backMinutes * MINUTE_MS).toISOString()
      const answer = await handler({ view: VIEW.name, key, at }).catch(() => undefined)
      if (answer !== undefined) checks.mustHaveBeen(answer, Date.parse(at))
    }
  })
}
