import type {
  IPolicyValidationContext,
  IPolicyValidationPlugin,
  PolicyValidationPluginReport,
} from 'aws-cdk-lib'
import { checkCellsApart } from './cells-apart.ts'
import { checkEventSourceMappings } from './event-source-mappings.ts'
import { checkFailureDestinations } from './failure-destinations.ts'
import type { Finding } from './finding.ts'
import { checkFunctionEnvironments } from './function-environments.ts'
import { checkFunctionUrls } from './function-urls.ts'
import { checkStreams } from './streams.ts'
import { checkTags } from './tags.ts'
import { Templates } from './templates.ts'
import { checkWildcardActions } from './wildcard-actions.ts'

const CHECKS: Readonly<Record<string, (templates: Templates) => readonly Finding[]>> = {
  'cells-apart': checkCellsApart,
  'event-source-mappings': checkEventSourceMappings,
  'failure-destinations': checkFailureDestinations,
  'function-environments': checkFunctionEnvironments,
  'function-urls': checkFunctionUrls,
  streams: checkStreams,
  tags: checkTags,
  'wildcard-actions': checkWildcardActions,
}

/**
 * The rules without which data could be lost or seen, checked on the templates as they will be deployed, so that no
 * override passes by. None of them can be acknowledged away.
 */
export class Guardrails implements IPolicyValidationPlugin {
  readonly name = 'Guardrails'
  readonly ruleIds = Object.keys(CHECKS)

  validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    const templates = Templates.of(context)
    const violations = Object.entries(CHECKS).flatMap(([ruleName, check]) =>
      check(templates).map(({ resource, property, message }) => ({
        ruleName,
        description: message,
        severity: 'fatal',
        violatingResources: [
          {
            resourceLogicalId: resource.logicalId,
            templatePath: resource.templatePath,
            locations: property === undefined ? [] : [`Properties/${property}`],
          },
        ],
      })),
    )
    return { success: violations.length === 0, violations }
  }
}
