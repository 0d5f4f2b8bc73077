import type { Finding } from './finding.ts'
import type { Templates } from './templates.ts'

/** A function's URL is answered to signed requests only: without that it is open to everybody who learns of it. */
export function checkFunctionUrls(templates: Templates): readonly Finding[] {
  return templates.ofType('AWS::Lambda::Url').flatMap((resource): readonly Finding[] => {
    const { AuthType: authType } = resource.properties
    if (authType === 'AWS_IAM') return []
    const message = `answers everybody (AuthType ${JSON.stringify(authType)}): set it to AWS_IAM`
    return [{ resource, property: 'AuthType', message }]
  })
}
