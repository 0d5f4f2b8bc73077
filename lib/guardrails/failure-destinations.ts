import type { Finding } from './finding.ts'
import { isJson, type Templates } from './templates.ts'

const WITH_DESTINATIONS = ['AWS::Lambda::EventSourceMapping', 'AWS::Lambda::EventInvokeConfig']

/**
 * No function may have a bucket as its target for failures: of all targets only a bucket gets the whole payload, so
 * personal data would be stored as it came. A target that the template does not name may be one.
 */
export function checkFailureDestinations(templates: Templates): readonly Finding[] {
  return WITH_DESTINATIONS.flatMap((type) => templates.ofType(type)).flatMap((resource) => {
    const config = resource.properties.DestinationConfig
    const onFailure = isJson(config) ? config.OnFailure : undefined
    if (!isJson(onFailure)) return []
    const { service } = templates.target(resource.stack, onFailure.Destination)
    if (service !== undefined && service !== 's3') return []
    const what = service === 's3' ? 'a bucket' : 'something that the template does not name'
    const message = `sends failed events to ${what}, where they would lie unsealed: send them to a queue or nowhere`
    return [{ resource, property: 'DestinationConfig', message }]
  })
}
