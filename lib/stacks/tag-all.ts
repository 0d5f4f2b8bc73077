import { Tags } from 'aws-cdk-lib'
import type { IConstruct } from 'constructs'
import type { Tagging } from '#lib/topology/tags.ts'

/** Tags everything below a construct. What is tagged further down wins there. */
export function tagAll(scope: IConstruct, tagging: Tagging): void {
  for (const [key, value] of Object.entries(tagging)) Tags.of(scope).add(key, value)
}
