import type { CompiledField } from './compile-field.ts'
import type { RowRule } from './contract.ts'
import { type DocumentNode, shown } from './document-node.ts'
import { parseRowRule, RULE_GRAMMAR } from './row-rule.ts'

/**
 * The rules that one row decides: `quality` of the schema with `engine: weir`. Rules of other engines are
 * none of our business; they stay in the document for those who run them.
 */
export function rowRulesOf(schema: DocumentNode, fields: readonly CompiledField[]): RowRule[] {
  const rules: RowRule[] = []
  for (const node of schema.get('quality').items('quality')) {
    if (!node.object('a quality rule') || node.get('engine').value !== 'weir') continue
    if (node.get('type').value !== 'custom') {
      node.get('type').problem('a rule for engine weir is of type custom: write "type: custom"')
    }
    const name = node.get('name').requiredText('the name of a rule', '"name: <rule>"')
    const text = node
      .get('implementation')
      .requiredText('the rule', `"implementation: ${RULE_GRAMMAR}"`)
    if (name === undefined || text === undefined) continue
    if (!/^[a-z][a-z0-9_]{0,62}$/.test(name) || rules.some((rule) => rule.name === name)) {
      node
        .get('name')
        .problem(
          `${shown(name)} cannot name a rule: write small letters, digits and _, each name once`,
        )
      continue
    }
    const parsed = parseRowRule(
      name,
      text,
      fields.map((one) => one.field),
    )
    if (parsed.ok) rules.push(parsed.rule)
    else node.get('implementation').problem(parsed.problem)
  }
  return rules
}
