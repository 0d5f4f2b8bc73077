import { Tags } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'
import type { Tagging } from '#lib/topology/tags.ts'

/** Types whose tags come from their stack alone: why stands in the guardrail on tags. */
const BY_STACK_ONLY = ['AWS::CloudWatch::Dashboard']

/** Tags everything below a construct. What is tagged further down wins there. */
export function tagAll(scope: IConstruct, tagging: Tagging): void {
  for (const [key, value] of Object.entries(tagging)) {
    Tags.of(scope).add(key, value, { excludeResourceTypes: BY_STACK_ONLY })
  }
}
