import type { Contract } from '../contract.ts'
import { type Declarations, optional, required } from './declarations.ts'
import { stringLiteral } from './literal.ts'
import { plain, type TypeNode, union } from './type-text.ts'

/** What an event may declare as its `dataschema`, and whether it may declare none. */
export interface DeclaredSchemas {
  readonly urns: readonly string[]
  readonly optional: boolean
}

/** Declares the CloudEvent around data of this type. */
export function addEvent(
  declarations: Declarations,
  types: { readonly event: string; readonly data: string },
  { product, version, eventType }: Contract,
  schemas: DeclaredSchemas,
): void {
  const comment = `An event of ${product} ${version}: a CloudEvent 1.0 in JSON. With extension attributes of your own it is \`${types.event} & { name: string }\`.`
  const urns = union(...schemas.urns.map(literal))
  const written = 'The version of the contract that the data was written for.'
  declarations.addInterface({ name: types.event, comment: [comment] }, [
    required('specversion', literal('1.0')),
    required('id', STRING, 'With source the identity of the event: sent again, it adds nothing.'),
    required('source', STRING, 'Who sends it: a URI reference such as /shops/berlin.'),
    required('type', literal(eventType)),
    (schemas.optional ? optional : required)('dataschema', urns, written),
    optional(
      'datacontenttype',
      union(literal('application/json'), plain(`\`application/\${string}+json\``)),
    ),
    optional('time', STRING, 'When it was produced, RFC 3339. Event time is a field of the data.'),
    optional('subject', STRING),
    optional('traceparent', STRING, 'W3C trace context.'),
    optional('tracestate', STRING),
    required('data', plain(types.data)),
  ])
}

const STRING = plain('string')

function literal(text: string): TypeNode {
  return plain(stringLiteral(text))
}
