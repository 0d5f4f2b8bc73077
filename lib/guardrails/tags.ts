import { TAG_KEYS } from '#lib/topology/tags.ts'
import type { Finding } from './finding.ts'
import { isJson, type TemplateResource, type Templates } from './templates.ts'

/**
 * Types that take no tags in a template. Every other one must carry all tags, so a type that is new here fails
 * until someone has looked it up in the CloudFormation reference.
 */
const UNTAGGABLE = new Set([
  'AWS::Athena::NamedQuery',
  'AWS::Glue::Database',
  'AWS::Glue::Table',
  'AWS::IAM::ManagedPolicy',
  'AWS::Lambda::Alias',
  'AWS::IAM::Policy',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Url',
  'AWS::S3::BucketPolicy',
  'AWS::SNS::Subscription',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  // It takes tags since 2026, which older schemas of CloudFormation refuse. Its stack's tags reach it all the same.
  'AWS::CloudWatch::Dashboard',
])

/** Every resource that can say whose it is does so. */
export function checkTags(templates: Templates): readonly Finding[] {
  return templates.resources.flatMap((resource) => {
    if (UNTAGGABLE.has(resource.type)) return []
    const tags = tagsOf(resource) ?? {}
    const missing = TAG_KEYS.filter((key) => !tags[key])
    if (missing.length === 0) return []
    const message = `${resource.type} lacks the tags ${missing.join(', ')}: tag it, or list the type as one that takes none`
    return [{ resource, property: 'Tags', message }]
  })
}

/** Tags of a resource, which CloudFormation writes as a list of pairs or as a map; undefined if it has none. */
export function tagsOf(resource: TemplateResource): Readonly<Record<string, unknown>> | undefined {
  const { Tags } = resource.properties
  if (!Array.isArray(Tags)) return isJson(Tags) ? Tags : undefined
  return Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value]))
}
