import { join } from 'node:path'
import type { Comparison } from './comparison.ts'
import { inProcess } from './decode/in-process.ts'
import type { SealTimes } from './seal/run-case.ts'

const file = join(import.meta.dirname, 'seal/run-case.ts')

/** Events of a person in a micro-batch. */
const EVENTS_PER_PERSON = ['1', '4', '16'] as const

/**
 * What sealing costs, all stores and keys in memory, on one core: the archive of trips with a subject and three sealed
 * fields beside that of the same events unsealed; and sealing a person's events together beside one operation per event.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  for (const each of EVENTS_PER_PERSON) {
    if (args.length > 0 && !args.includes(each)) continue
    const times = JSON.parse(inProcess(file, each)) as SealTimes
    const what = `${each === '1' ? 'one event' : `${each} events`} of a person in a batch of 4,000`
    const perSecond = (ns: number) => Math.round(1e9 / ns)
    const ratio = (ours: number, theirs: number) => Number((theirs / ours).toFixed(2))
    yield {
      name: `seal/archive/${each}`,
      peer: 'the same events under a contract without personal fields',
      ours: perSecond(times.sealed),
      theirs: perSecond(times.unsealed),
      ratio: ratio(times.sealed, times.unsealed),
      unit: 'events per second and core, Lambda event to journal entry',
      equal: times.equal,
      what,
    }
    yield {
      name: `seal/operation/${each}`,
      peer: 'AES-256-GCM, an operation per event',
      ours: perSecond(times.perPerson),
      theirs: perSecond(times.perEvent),
      ratio: ratio(times.perPerson, times.perEvent),
      unit: 'events sealed per second and core',
      equal: true,
      what,
    }
  }
}
