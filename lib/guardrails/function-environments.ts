import type { Finding } from './finding.ts'
import { isJson, type Templates } from './templates.ts'

/** Names that Lambda sets itself and refuses; an emulator may take them. */
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|LAMBDA_TASK_ROOT|LAMBDA_RUNTIME_DIR|TZ|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY|ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|LAMBDA_.*))$/
const NAME = /^[A-Za-z][A-Za-z0-9_]+$/
/** Lambda takes 4 KB of names and values together. What is only known on deployment counts as an ARN. */
const LIMIT_BYTES = 4096
const ARN_BYTES = 128

/** Environments that AWS would refuse on deployment. */
export function checkFunctionEnvironments(templates: Templates): readonly Finding[] {
  return templates.ofType('AWS::Lambda::Function').flatMap((resource) => {
    const environment = resource.properties.Environment
    const variables = isJson(environment) ? environment.Variables : undefined
    if (!isJson(variables)) return []
    const refuse = (message: string): Finding => ({ resource, property: 'Environment', message })
    const names = Object.keys(variables)
    const findings = names
      .filter((name) => RESERVED.test(name) || !NAME.test(name))
      .map((name) => refuse(`variable "${name}" is refused by Lambda: give it another name`))
    const bytes = names.reduce((sum, name) => sum + name.length + bytesOf(variables[name]), 0)
    if (bytes > LIMIT_BYTES) {
      findings.push(
        refuse(
          `variables take about ${bytes} bytes, Lambda ${LIMIT_BYTES}: bundle them beside the code`,
        ),
      )
    }
    return findings
  })
}

function bytesOf(value: unknown): number {
  return typeof value === 'string' ? Buffer.byteLength(value) : ARN_BYTES
}
