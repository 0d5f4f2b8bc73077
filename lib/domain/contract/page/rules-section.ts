import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { Contract, RowRule } from '../contract.ts'
import { placeOfItem, SCHEMA, valueAt } from '../document-places.ts'
import { code, inline, table } from './markdown.ts'

/** The rules that one row decides; nothing if there is none. */
export function rulesSection({ rowRules }: Contract, document: JsonValue): readonly string[] {
  if (rowRules.length === 0) return []
  const rows = rowRules.map((rule) => {
    const place = placeOfItem(document, [...SCHEMA, 'quality'], ({ name }) => name === rule.name)
    const description = valueAt(document, [...place, 'description'])
    return [
      code(rule.name),
      code(ruleText(rule)),
      typeof description === 'string' ? inline(description) : '',
    ]
  })
  return [
    '## Rules',
    'Each row keeps to these; where one side is null, a rule is kept.',
    table(['Rule', 'A row has', 'Meaning'], rows),
  ]
}

function ruleText({ left, operator, right }: RowRule): string {
  return `${left} ${operator} ${'field' in right ? right.field : `'${right.literal}'`}`
}
