import type { Contract } from '../contract.ts'
import { SCHEMA_URN } from '../contract-versions.ts'
import type { ExampleEvent } from '../example/example-event.ts'
import { typeModule } from '../types/type-module.ts'
import { majorOf } from '../version.ts'
import { code, codeBlock } from './markdown.ts'
import { prettyJson } from './pretty-json.ts'

/** What an event looks like, and two ways to send it. */
export function sendSection(contract: Contract, example: ExampleEvent): readonly string[] {
  const { product, version, eventType } = contract
  const schema = `${SCHEMA_URN}${product}:${majorOf(version)}`
  return [
    '## Send',
    `An event is a CloudEvent 1.0 in JSON of the type ${code(eventType)}. ${code('dataschema')} says for which version it was written: ${code(schema)}, or nothing where that is the one that judges such events (see the versions below). Members of the data that are not listed below are not stored; they are counted, and ${code('weir status')} tells their names.`,
    ...(example.ok
      ? ['This one is accepted:', codeBlock('json', prettyJson(example.text))]
      : [`There is no example to show: ${example.why}.`]),
    'From a file, one event a line (the whole event, or its data alone, which then gets its type from here and an id from its text):',
    codeBlock('sh', `npm run -s weir -- send ${product} events.ndjson --region REGION`),
    `From a program, with the types of ${code(`weir contract types ${product} --out ${product}.ts`)}:`,
    codeBlock('ts', producerText(contract)),
  ]
}

function producerText(contract: Contract): string {
  const { product, eventType, partitionKey, spread, version, changes } = contract
  const { data } = typeModule([contract]).majors[0]!
  const literal = (text: string) => `'${text}'`
  const key =
    changes === undefined
      ? literal(partitionKey)
      : `(change) => (change.after ?? change.before)?.${partitionKey}`
  return [
    "import { EventProducer } from '#lib/producer.ts' // elsewhere: from 'weir/producer'",
    `import type { ${data} } from './${product}.ts'`,
    '',
    'export async function send(',
    '  stream: { streamName: string; region: string },',
    '  id: string,',
    `  data: ${data},`,
    ') {',
    `  const producer = new EventProducer<${data}>({`,
    '    ...stream,',
    `    type: ${literal(eventType)},`,
    `    dataschema: ${literal(`${SCHEMA_URN}${product}:${majorOf(version)}`)},`,
    "    source: '/where/it/happens',",
    `    partitionKey: ${key},`,
    ...(spread === 1 ? [] : [`    spread: ${spread},`]),
    '  })',
    '  await producer.send({ id, data })',
    '  await producer.close()',
    '}',
  ].join('\n')
}
