import { readFileSync } from 'node:fs'
import type { IPolicyValidationContext } from 'aws-cdk-lib'

type Json = Readonly<Record<string, unknown>>

/** A resource as CloudFormation will get it, with every override applied. */
export interface TemplateResource {
  /** Construct path of its stack. */
  readonly stack: string
  readonly templatePath: string
  readonly logicalId: string
  readonly type: string
  readonly properties: Json
}

/** What an ARN in a template points at. */
export interface ArnTarget {
  /** `kinesis`, `dynamodb`, `sqs`, `s3`, …; undefined if the template does not tell. */
  readonly service: string | undefined
  /** Equal for equal targets. */
  readonly id: string
  /** The resource, if it is one of the app's. */
  readonly resource?: TemplateResource
}

interface StackTemplate {
  readonly stack: string
  readonly region: string | undefined
  readonly templatePath: string
  readonly body: { readonly Resources?: Json; readonly Outputs?: Json }
}

/** Every template of an app, read once, with references followed across its stacks. */
export class Templates {
  readonly resources: readonly TemplateResource[]
  private readonly byPlace: ReadonlyMap<string, TemplateResource>
  private readonly exports: ReadonlyMap<string, { readonly stack: string; readonly value: unknown }>
  private readonly regions: ReadonlyMap<string, string | undefined>

  constructor(templates: readonly StackTemplate[]) {
    this.resources = templates.flatMap(resourcesOf)
    this.byPlace = new Map(this.resources.map((one) => [place(one.stack, one.logicalId), one]))
    this.exports = new Map(templates.flatMap(exportsOf))
    this.regions = new Map(templates.map(({ stack, region }) => [stack, region]))
  }

  static of(context: IPolicyValidationContext): Templates {
    return new Templates(
      context.stackTemplates.map(({ stackConstructPath, region, templatePath }) => ({
        stack: stackConstructPath,
        region,
        templatePath,
        body: JSON.parse(readFileSync(templatePath, 'utf8')),
      })),
    )
  }

  /** All resources of a type. */
  ofType(type: string): readonly TemplateResource[] {
    return this.resources.filter((resource) => resource.type === type)
  }

  /** The stack of the app that exports a name to a stack: one of its region. */
  exporter(stack: string, name: string): string | undefined {
    return this.exports.get(place(this.regions.get(stack), name))?.stack
  }

  /** What an ARN written in a stack points at, also through an import from another stack. */
  target(stack: string, arn: unknown): ArnTarget {
    const id = typeof arn === 'string' ? arn : place(stack, JSON.stringify(arn))
    if (isJson(arn)) {
      const reference = arn['Fn::GetAtt'] ?? arn.Ref
      const logicalId = Array.isArray(reference) ? reference[0] : reference
      const resource = this.byPlace.get(place(stack, String(logicalId)))
      if (resource !== undefined) {
        return { service: serviceOf(resource), id: place(stack, resource.logicalId), resource }
      }
      const exported = this.exports.get(
        place(this.regions.get(stack), String(arn['Fn::ImportValue'])),
      )
      if (exported !== undefined) return this.target(exported.stack, exported.value)
    }
    return { service: /^arn:[^:]*:([a-z0-9-]+):/.exec(textOf(arn))?.[1], id }
  }
}

/** Whether a value is an object, as opposed to a list or a plain value. */
export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function resourcesOf({ stack, templatePath, body }: StackTemplate): TemplateResource[] {
  return Object.entries(body.Resources ?? {}).map(([logicalId, resource]) => {
    const { Type, Properties } = resource as { Type: string; Properties?: Json }
    return { stack, templatePath, logicalId, type: Type, properties: Properties ?? {} }
  })
}

function exportsOf({ stack, region, body }: StackTemplate) {
  return Object.values(body.Outputs ?? {}).flatMap((output) => {
    const { Export, Value } = output as { Export?: { Name: unknown }; Value: unknown }
    if (Export === undefined) return []
    return [[place(region, String(Export.Name)), { stack, value: Value }] as const]
  })
}

/** `AWS::Kinesis::Stream` → `kinesis`. */
function serviceOf(resource: TemplateResource): string | undefined {
  return resource.type.split('::')[1]?.toLowerCase()
}

/** The text of a join or substitution, with `?` for what is only known on deployment. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll(/\$\{[^}]*\}/g, '?')
  if (!isJson(value)) return '?'
  const join = value['Fn::Join']
  if (Array.isArray(join)) return (join[1] as unknown[]).map(textOf).join(String(join[0]))
  const substitution = value['Fn::Sub']
  return substitution === undefined ? '?' : textOf([substitution].flat()[0])
}

function place(scope: string | undefined, name: string): string {
  return `${scope ?? ''}|${name}`
}
