import type { Comparison } from './compatibility.ts'
import { CHANGE_KINDS, type ContractChange, isBreaking } from './contract-change.ts'
import { type ContractSource, type SourceLine, sourceLines } from './contract-source.ts'

/** A change with the line of both files. */
export interface ExplainedChange {
  readonly kind: ContractChange['kind']
  readonly field: string | null
  readonly message: string
  readonly breaking: boolean
  readonly before: SourceLine
  readonly after: SourceLine
}

/** The changes of a comparison with their lines, breaking ones first, then in the order of the new file. */
export function explainComparison(
  { breaking, compatible }: Comparison,
  before: ContractSource,
  after: ContractSource,
): readonly ExplainedChange[] {
  const [was, is] = [sourceLines(before), sourceLines(after)]
  return [breaking, compatible].flatMap((changes) =>
    changes
      .map((change) => ({
        kind: change.kind,
        field: change.field ?? null,
        message: change.message,
        breaking: isBreaking(change),
        before: was(change.before),
        after: is(change.after),
      }))
      .sort((a, b) => a.after.line - b.after.line),
  )
}

/** A change for people: what it is, why it breaks, and both lines. */
export function changeLines(change: ExplainedChange): readonly string[] {
  const { kind, field, message, before, after } = change
  const what = `${kind}${field === null ? '' : ` ${field}`}: ${message}`
  return [
    change.breaking ? `breaking: ${what}: ${CHANGE_KINDS[kind].meaning}` : `compatible: ${what}`,
    `  - ${lineText(before)}`,
    `  + ${lineText(after)}`,
  ]
}

function lineText({ file, line, text, absent }: SourceLine): string {
  return `${file}:${line}: ${absent === undefined ? text : '(not there)'}`
}
