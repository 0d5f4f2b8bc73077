import {
  type IPolicyValidationContext,
  type PolicyValidationPluginReport,
  Stack,
  Validations,
} from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference.js'
import { FunctionRole } from '#lib/constructs/kernel/function-role.ts'

/**
 * AwsSolutions, which takes a `*` in the resources of a role only with the reason that the role gives for it. The
 * finding's name holds the resource as the template writes it, with imports from other stacks resolved: known only
 * now, so the reasons are handed over here.
 */
export class NagPack extends AwsSolutionsChecks {
  override validate(context: IPolicyValidationContext): PolicyValidationPluginReport {
    for (const node of context.appConstruct.node.findAll()) {
      if (!(node instanceof FunctionRole)) continue
      for (const { resource, because } of node.reaches) {
        const written = flattenCfnReference(Stack.of(node).resolve(resource))
        Validations.of(node).acknowledge({
          id: `AwsSolutions-IAM5[Resource::${written}]`,
          reason: because,
        })
      }
    }
    return super.validate(context)
  }
}
