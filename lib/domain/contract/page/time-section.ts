import { CHANGE_TIME } from '../change-terms.ts'
import type { Contract, Field } from '../contract.ts'
import { durationWords } from './duration-words.ts'
import { code } from './markdown.ts'

/** When an event happened, how its times are read, and until when it counts. */
export function timeSection(contract: Contract): readonly string[] {
  const { eventTime, changes, allowedLatenessSeconds, maxFutureSkewMinutes } = contract
  const zones = Map.groupBy(localTimes(contract.fields, ''), ({ zone }) => zone)
  const stored = 'Times are stored in UTC, to the microsecond; more digits than that are rejected.'
  return [
    '## Time',
    changes === undefined
      ? `Event time is ${code(eventTime)}. ${stored}`
      : `Event time is when the source committed the change, ${code('source.ts_ms')}, which is stored as ${code(CHANGE_TIME)}. ${stored}`,
    ...[...zones].map(([zone, found]) => {
      const paths = found.map(({ path }) => code(path))
      return `On the clocks of ${zone} ${paths.length === 1 ? 'is' : 'are'} read: ${paths.join(', ')}. A time that occurs twice there, when clocks go back, is the earlier one; a time that is skipped, when they go forward, is moved forward by the gap.`
    }),
    allowedLatenessSeconds === undefined
      ? 'An event counts in its window however late it arrives.'
      : `An event counts in its window if it arrives no later than ${durationWords(allowedLatenessSeconds)} after the end of it.`,
    `An event time of more than ${durationWords(maxFutureSkewMinutes * 60)} past its arrival is stored, but does not move time on.`,
  ]
}

/** Fields without an offset, those inside of objects and arrays too. */
function localTimes(
  fields: readonly Field[],
  prefix: string,
): { readonly path: string; readonly zone: string }[] {
  return fields.flatMap((field) => localTimesIn(field, `${prefix}${field.name}`))
}

function localTimesIn({ type }: Field, path: string): ReturnType<typeof localTimes> {
  switch (type.kind) {
    case 'timestamp':
      return type.localZone === undefined ? [] : [{ path, zone: type.localZone }]
    case 'struct':
      return localTimes(type.fields, `${path}.`)
    case 'list':
      return localTimesIn(type.element, `${path}[]`)
    default:
      return []
  }
}
