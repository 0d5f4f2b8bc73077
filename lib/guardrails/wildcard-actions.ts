import type { Finding } from './finding.ts'
import { isJson, type Templates } from './templates.ts'

/**
 * Whatever allows something names each action: one with a wildcard grows with AWS. That goes for roles and for the
 * policies of keys, buckets and topics alike; what forbids may be as broad as it likes.
 */
export function checkWildcardActions(templates: Templates): readonly Finding[] {
  return templates.resources.flatMap((resource) =>
    [...allowances(resource.properties)].flatMap(({ Action, NotAction }) => {
      const broad = [Action ?? []].flat().filter((action) => String(action).includes('*'))
      if (NotAction !== undefined) broad.push('NotAction')
      if (broad.length === 0) return []
      return [{ resource, message: `allows ${broad.join(', ')}: name each action` }]
    }),
  )
}

/** Every statement that allows something, wherever in a resource it stands. */
function* allowances(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (Array.isArray(value)) {
    for (const one of value) yield* allowances(one)
  } else if (isJson(value)) {
    if (value.Effect === 'Allow') yield value
    else for (const one of Object.values(value)) yield* allowances(one)
  }
}
