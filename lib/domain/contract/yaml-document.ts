import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { DocumentPath } from './document-node.ts'

export interface Position {
  /** From 1. */
  readonly line: number
  readonly column: number
}

export type YamlResult =
  | {
      readonly ok: true
      readonly document: JsonValue
      /** Where a path stands; of what is absent, where its nearest ancestor does. */
      positionOf(path: DocumentPath, atKey: boolean): Position
    }
  | {
      readonly ok: false
      readonly problems: readonly (Position & { readonly message: string })[]
    }

export const MAX_CHARACTERS = 1 << 20
/** Bounds the parser's work: its time goes with the structure, not with the length of texts. */
const MAX_STRUCTURE = 50_000
const INDICATORS = new Set(Buffer.from('\n,-:?[]{}&*!|>\'"%#@`'))
/** Bounds what aliases unfold to. */
const MAX_VALUES = 200_000
const MAX_DEPTH = 64
const MAX_PROBLEMS = 20
const TOO_DEEP = 'the contract nests too deep: flatten it'

/** One YAML 1.2 document as JSON, with positions. Never throws, and never takes longer than its bounds allow. */
export function readYaml(text: string): YamlResult {
  if (text.length > MAX_CHARACTERS) return refuse('a contract has at most 1 MiB: split the product')
  if (structureOf(text) > MAX_STRUCTURE) {
    return refuse('the contract has too many lines, keys or list members: split the product')
  }
  const lines = new LineCounter()
  try {
    // Unique keys are checked below: the parser's own check compares each key with each.
    const parsed = parseDocument(text, {
      lineCounter: lines,
      uniqueKeys: false,
      stringKeys: true,
      prettyErrors: false,
      // Silent would also hide that there is a second document.
      logLevel: 'error',
    })
    const faults = [...parsed.errors, ...parsed.warnings].slice(0, MAX_PROBLEMS)
    if (faults.some((fault) => fault.code === 'RESOURCE_EXHAUSTION')) return refuse(TOO_DEEP)
    if (faults.length > 0) {
      return {
        ok: false,
        problems: faults.map((fault) => ({
          ...positionAt(lines, fault.pos[0]),
          message: messageOf(fault),
        })),
      }
    }
    const reader = new Reader(lines)
    const document = reader.value(parsed.contents, 0)
    if (reader.problems.length > 0) return { ok: false, problems: reader.problems }
    return {
      ok: true,
      document,
      positionOf: (path, atKey) => positionAt(lines, reader.offsetOf(parsed.contents, path, atKey)),
    }
  } catch (error) {
    // Deep nesting overflows the parser's stack before any bound of ours is asked.
    if (error instanceof RangeError) return refuse(TOO_DEEP)
    if (error instanceof Unreadable) return { ok: false, problems: [error.problem] }
    throw error
  }
}

class Unreadable extends Error {
  readonly problem: Position & { readonly message: string }
  constructor(problem: Position & { readonly message: string }) {
    super(problem.message)
    this.problem = problem
  }
}

/** Walks the parsed nodes in document order, unfolding aliases within a budget. */
class Reader {
  readonly problems: (Position & { message: string })[] = []
  readonly #lines: LineCounter
  readonly #anchors = new Map<string, Node>()
  readonly #targets = new Map<Node, Node>()
  #values = 0

  constructor(lines: LineCounter) {
    this.#lines = lines
  }

  value(node: unknown, depth: number): JsonValue {
    this.#spend(node, depth)
    if (isAlias(node)) return this.value(this.#target(node), depth + 1)
    if (isMap(node)) return this.#map(node.items as Pair<Node, Node>[], node, depth)
    if (isSeq(node)) {
      this.#anchor(node)
      return node.items.map((item) => this.value(item, depth + 1))
    }
    if (isScalar(node)) {
      this.#anchor(node)
      return this.#scalar(node)
    }
    return null
  }

  /** The offset of a path in the text. A mapping or list is shown by its key; a scalar by itself. */
  offsetOf(root: unknown, path: DocumentPath, atKey: boolean): number {
    let node = root
    let offset = startOf(root) ?? 0
    for (const [i, step] of path.entries()) {
      const container = isAlias(node) ? this.#targets.get(node) : node
      let child: unknown
      if (isMap(container)) {
        const pair = (container.items as Pair<Node, Node>[]).find(
          (item) => isScalar(item.key) && item.key.value === step,
        )
        if (pair === undefined) return offset
        child = pair.value
        const showKey = !isScalar(child) || (atKey && i === path.length - 1)
        offset = (showKey ? startOf(pair.key) : startOf(child)) ?? offset
      } else if (isSeq(container)) {
        child = container.items[step as number]
        offset = startOf(child) ?? offset
      } else {
        return offset
      }
      node = child
    }
    return offset
  }

  #map(pairs: readonly Pair<Node, Node>[], node: Node, depth: number): JsonValue {
    this.#anchor(node)
    const entries = new Map<string, JsonValue>()
    for (const { key, value } of pairs) {
      const name = isScalar(key) ? key.value : undefined
      if (typeof name !== 'string') this.#fail(key, 'a key must be a plain text')
      else if (entries.has(name)) {
        this.#note(key, `the key "${name.slice(0, 60)}" is there twice: remove one`)
      } else entries.set(name, this.value(value, depth + 1))
    }
    // fromEntries defines properties: a key such as __proto__ stays a key.
    return Object.fromEntries(entries)
  }

  #scalar(node: { readonly value: unknown }): JsonValue {
    const { value } = node
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    this.#note(node, 'this value has no JSON form: put it in quotes')
    return null
  }

  #target(node: Node & { readonly source: string }): Node {
    const target = this.#anchors.get(node.source)
    if (target === undefined)
      return this.#fail(node, `there is no anchor &${node.source.slice(0, 60)} before this`)
    this.#targets.set(node, target)
    return target
  }

  #anchor(node: Node & { anchor?: string }): void {
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
  }

  #spend(node: unknown, depth: number): void {
    if (++this.#values > MAX_VALUES) {
      this.#fail(node, 'the contract unfolds to too many values: write fewer aliases')
    }
    if (depth > MAX_DEPTH) this.#fail(node, `a contract nests at most ${MAX_DEPTH} deep`)
  }

  #note(node: unknown, message: string): void {
    if (this.problems.length >= MAX_PROBLEMS) return
    this.problems.push({ ...positionAt(this.#lines, startOf(node) ?? 0), message })
  }

  #fail(node: unknown, message: string): never {
    throw new Unreadable({ ...positionAt(this.#lines, startOf(node) ?? 0), message })
  }
}

function startOf(node: unknown): number | undefined {
  return (node as { range?: readonly number[] | null } | null)?.range?.[0]
}

function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}

function messageOf(fault: { readonly code: string; readonly message: string }): string {
  if (fault.code === 'MULTIPLE_DOCS') return 'a file holds one contract: remove what follows "---"'
  return `not plain YAML: ${fault.message.split('\n')[0]!.slice(0, 200)}`
}

function refuse(message: string): YamlResult {
  return { ok: false, problems: [{ line: 1, column: 1, message }] }
}

/** Line ends and indicators: whatever the parser may make a token of. */
function structureOf(text: string): number {
  let count = 0
  for (let i = 0; i < text.length; i++) if (INDICATORS.has(text.charCodeAt(i))) count++
  return count
}
