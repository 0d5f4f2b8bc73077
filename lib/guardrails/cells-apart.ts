import type { Finding } from './finding.ts'
import { isJson, type Templates } from './templates.ts'

/**
 * Cells share nothing, so what one imports it must itself export: stacks of one cell have one path in front. An
 * import that no stack of the cell exports comes from another cell, or from outside.
 */
export function checkCellsApart(templates: Templates): readonly Finding[] {
  return templates.resources.flatMap((resource) =>
    [...imports(resource.properties)].flatMap((name) => {
      const exporter = templates.exporter(resource.stack, name)
      if (exporter !== undefined && cellOf(exporter) === cellOf(resource.stack)) return []
      const from = exporter === undefined ? 'no stack of this cell exports' : `${exporter} exports`
      return [
        {
          resource,
          message: `imports "${name}", which ${from}: keep what it needs in its own cell`,
        },
      ]
    }),
  )
}

function* imports(value: unknown): Generator<string> {
  if (Array.isArray(value)) {
    for (const one of value) yield* imports(one)
  } else if (isJson(value)) {
    const name = value['Fn::ImportValue']
    if (name !== undefined) yield typeof name === 'string' ? name : JSON.stringify(name)
    else for (const one of Object.values(value)) yield* imports(one)
  }
}

function cellOf(stack: string): string {
  return stack.split('/')[0]!
}
