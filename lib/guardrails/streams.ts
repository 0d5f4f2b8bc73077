import type { Finding } from './finding.ts'
import { TIER_1_STREAM_HOURS } from './retention.ts'
import { tagsOf } from './tags.ts'
import type { TemplateResource, Templates } from './templates.ts'

/** A batch of 6 MB travels as base64, so no larger record ever reaches a function: it would block its shard. */
const LARGEST_RECORD_KIB = 4096

/** Rules of every stream of events. */
export function checkStreams(templates: Templates): readonly Finding[] {
  return templates
    .ofType('AWS::Kinesis::Stream')
    .flatMap((stream) => [...forgetsTooSoon(stream), ...takesTooLarge(stream)])
}

function forgetsTooSoon(resource: TemplateResource): Finding[] {
  const hours = Number(resource.properties.RetentionPeriodHours ?? 24)
  if (tagsOf(resource)?.tier !== '1' || hours >= TIER_1_STREAM_HOURS) return []
  const message = `keeps events of a tier 1 product for ${hours} hours: set RetentionPeriodHours to at least ${TIER_1_STREAM_HOURS}`
  return [{ resource, property: 'RetentionPeriodHours', message }]
}

function takesTooLarge(resource: TemplateResource): Finding[] {
  const kib = Number(resource.properties.MaxRecordSizeInKiB ?? 1024)
  if (kib <= LARGEST_RECORD_KIB) return []
  const message = `takes records of ${kib} KiB, which no function can be handed: set MaxRecordSizeInKiB to at most ${LARGEST_RECORD_KIB}`
  return [{ resource, property: 'MaxRecordSizeInKiB', message }]
}
