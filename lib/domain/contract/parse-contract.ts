import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { checkContract } from './compile-contract.ts'
import type { Contract } from './contract.ts'
import type { DocumentProblem } from './document-node.ts'
import { type Position, readYaml } from './yaml-document.ts'

/** What is wrong with a contract, where, and what to write instead. */
export interface ContractProblem extends Position {
  readonly file: string
  readonly message: string
}

export type ContractParse =
  | { readonly ok: true; readonly contract: Contract; readonly document: JsonValue }
  | { readonly ok: false; readonly problems: readonly ContractProblem[] }

/**
 * A contract from the text of its file. A contract is untrusted input: it is read as data, within bounds, and
 * never throws. Problems are in file order.
 */
export function parseContract(text: string, options: { file: string }): ContractParse {
  const { file } = options
  const yaml = readYaml(text)
  if (!yaml.ok) return { ok: false, problems: yaml.problems.map((one) => ({ file, ...one })) }
  const compilation = checkContract(yaml.document)
  if (compilation.ok) return { ok: true, contract: compilation.contract, document: yaml.document }
  const problems = compilation.problems.map((problem) => placed(problem, file, yaml.positionOf))
  problems.sort((a, b) => a.line - b.line || a.column - b.column)
  return { ok: false, problems }
}

function placed(
  problem: DocumentProblem,
  file: string,
  positionOf: (path: DocumentProblem['path'], atKey: boolean) => Position,
): ContractProblem {
  return { file, ...positionOf(problem.path, problem.atKey), message: problem.message }
}
