import type { TableSchema } from '../schema.ts'
import { type Literal, scalarOf } from './literal.ts'
import {
  badPredicate,
  type Comparison,
  type PlainColumn,
  type Predicate,
  plainColumn,
} from './predicate.ts'

interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign'
  readonly text: string
  readonly at: number
}

const TOKEN =
  /\s*(?:(?<name>"(?:[^"]|"")+")|(?<text>'(?:[^']|'')*')|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?<word>[\p{L}_][\p{L}\p{N}_]*)|(?<sign><=|>=|<>|!=|[=<>(),]))/uy

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  '=': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
}

/** Nobody writes more by hand, and a stack has an end. */
const MOST_LENGTH = 10_000
const MOST_DEPTH = 100

/**
 * What a text in the manner of SQL means for a table: `city = 'x' and (fare > 10 or tip is null)`, with `=`, `!=`, `<>`,
 * `<`, `<=`, `>`, `>=`, `[not] in (…)`, `[not] between … and …`, `is [not] null`, `and`, `or`, `not`. Throws
 * `lake.badPredicate` with the place where it stops making sense.
 */
export function parsePredicate(text: string, schema: TableSchema): Predicate {
  if (text.length > MOST_LENGTH) {
    throw badPredicate(`a condition has at most ${MOST_LENGTH} characters`)
  }
  const parser = new Parser(text, schema)
  return parser.whole()
}

class Parser {
  readonly #text: string
  readonly #schema: TableSchema
  readonly #tokens: readonly Token[]
  #at = 0
  #depth = 0

  constructor(text: string, schema: TableSchema) {
    this.#text = text
    this.#schema = schema
    this.#tokens = tokensOf(text)
  }

  whole(): Predicate {
    const predicate = this.#either()
    if (this.#next !== undefined) throw this.#unexpected('and, or, or the end')
    return predicate
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at]
  }

  #either(): Predicate {
    const parts = [this.#both()]
    while (this.#take('or')) parts.push(this.#both())
    return parts.length === 1 ? parts[0]! : { kind: 'or', of: parts }
  }

  #both(): Predicate {
    const parts = [this.#one()]
    while (this.#take('and')) parts.push(this.#one())
    return parts.length === 1 ? parts[0]! : { kind: 'and', of: parts }
  }

  #one(): Predicate {
    if (++this.#depth > MOST_DEPTH) throw badPredicate('the condition is nested too deeply')
    try {
      if (this.#take('not')) return { kind: 'not', of: this.#one() }
      if (this.#take('(')) {
        const inner = this.#either()
        this.#require(')')
        return inner
      }
      return this.#condition()
    } finally {
      this.#depth--
    }
  }

  #condition(): Predicate {
    const column = this.#column()
    const { name } = column
    if (this.#take('is')) {
      const isNegated = this.#take('not')
      this.#require('null')
      return negatedIf(isNegated, { kind: 'isNull', column: name })
    }
    const isNegated = this.#take('not')
    if (this.#take('in')) {
      this.#require('(')
      const values = [this.#value(column)]
      while (this.#take(',')) values.push(this.#value(column))
      this.#require(')')
      return negatedIf(isNegated, { kind: 'in', column: name, values })
    }
    if (this.#take('between')) {
      const least = this.#value(column)
      this.#require('and')
      const most = this.#value(column)
      return negatedIf(isNegated, {
        kind: 'and',
        of: [
          { kind: 'compare', column: name, op: '>=', value: least },
          { kind: 'compare', column: name, op: '<=', value: most },
        ],
      })
    }
    const op = isNegated ? undefined : COMPARISONS[this.#next?.text ?? '']
    if (op === undefined || this.#next?.kind !== 'sign') {
      throw this.#unexpected(isNegated ? 'in or between' : 'a comparison')
    }
    this.#at++
    return { kind: 'compare', column: name, op, value: this.#value(column) }
  }

  #column(): PlainColumn {
    const token = this.#next
    if (token?.kind !== 'word' && token?.kind !== 'name') throw this.#unexpected('a column')
    this.#at++
    return plainColumn(this.#schema, token.text)
  }

  #value(column: PlainColumn) {
    const isTyped = column.type === 'date' || column.type === 'timestamptz'
    if (isTyped && !this.#take('date')) this.#take('timestamp')
    const token = this.#next
    const literal: Literal | undefined =
      token?.kind === 'text'
        ? { text: token.text, isQuoted: true }
        : token?.kind === 'number' || /^(?:true|false)$/i.test(token?.text ?? '')
          ? { text: token!.text, isQuoted: false }
          : undefined
    if (literal === undefined) {
      const hint = token?.text.toLowerCase() === 'null' ? ': write is null' : ''
      throw this.#unexpected(`a value${hint}`)
    }
    this.#at++
    return scalarOf(column, literal)
  }

  /** Whether the next token is this sign or word, which is then behind us. */
  #take(wanted: string): boolean {
    const token = this.#next
    const isIt =
      token !== undefined &&
      (token.kind === 'word' || token.kind === 'sign') &&
      token.text.toLowerCase() === wanted
    if (isIt) this.#at++
    return isIt
  }

  #require(wanted: string): void {
    if (!this.#take(wanted)) throw this.#unexpected(wanted)
  }

  #unexpected(wanted: string): Error {
    const token = this.#next
    if (token === undefined) return badPredicate(`the condition ends where ${wanted} should be`)
    return badPredicate(
      `expected ${wanted} at character ${token.at + 1}, found ${this.#text.slice(token.at, token.at + 20).trim()}`,
    )
  }
}

function negatedIf(isNegated: boolean, of: Predicate): Predicate {
  return isNegated ? { kind: 'not', of } : of
}

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = []
  const end = text.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const start = TOKEN.lastIndex
    const groups = TOKEN.exec(text)?.groups
    const found = Object.entries(groups ?? {}).find(([, value]) => value !== undefined)
    if (found === undefined) {
      const rest = text.slice(start, start + 20).trim()
      throw badPredicate(`cannot read the condition at character ${start + 1}: ${rest}`)
    }
    const [kind, value] = found as [Token['kind'], string]
    tokens.push({ kind, text: unquoted(kind, value), at: TOKEN.lastIndex - value.length })
  }
  return tokens
}

function unquoted(kind: Token['kind'], text: string): string {
  if (kind === 'text') return text.slice(1, -1).replaceAll("''", "'")
  return kind === 'name' ? text.slice(1, -1).replaceAll('""', '"') : text
}
