import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { Contract } from './contract.ts'
import type { DocumentPath } from './document-node.ts'
import { valueAt } from './document-places.ts'
import { parseContract } from './parse-contract.ts'
import { readYaml } from './yaml-document.ts'

/** A valid contract with the text that it was read from. */
export interface ContractSource {
  /** What messages call the file; of a git ref, `ref:path`. */
  readonly file: string
  readonly text: string
  readonly contract: Contract
  readonly document: JsonValue
}

/** A line of a contract's file, as it stands there. */
export interface SourceLine {
  readonly file: string
  /** From 1. */
  readonly line: number
  readonly text: string
  /** The place does not exist in this document: the line is that of what would hold it. */
  readonly absent?: true
}

/** The contract of a text that is known to be valid; undefined if it is not. */
export function contractSource(text: string, file: string): ContractSource | undefined {
  const parsed = parseContract(text, { file })
  return parsed.ok
    ? { file, text, contract: parsed.contract, document: parsed.document }
    : undefined
}

/** Finds lines in a contract's file by places of its document; the text is read once. */
export function sourceLines(source: ContractSource): (path: DocumentPath) => SourceLine {
  const yaml = readYaml(source.text)
  const lines = source.text.split(/\r?\n/)
  return (path) => {
    const line = yaml.ok ? yaml.positionOf(path, true).line : 1
    const place = { file: source.file, line, text: lines[line - 1] ?? '' }
    return valueAt(source.document, path) === undefined ? { ...place, absent: true } : place
  }
}
