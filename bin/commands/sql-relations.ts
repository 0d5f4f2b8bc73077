/** A table that a statement reads, where it names it. */
export interface SqlRelation {
  /** As it is written, in order: at most catalog, database and table. */
  readonly path: readonly string[]
  /** Behind the name, before its alias: where a version goes. */
  readonly end: number
  /** Whether the statement already says of which version. */
  readonly isVersioned: boolean
}

interface Token {
  readonly kind: 'word' | 'quoted' | 'text' | 'other'
  /** Of a word in lower case, of a quoted name without its quotes. */
  readonly text: string
  readonly end: number
}

const TOKEN =
  /(?<skip>\s+|--[^\n]*|\/\*[\s\S]*?\*\/)|(?<text>'(?:[^']|'')*')|(?<quoted>"(?:[^"]|"")*")|(?<word>[\p{L}_][\p{L}\p{N}_$]*)|(?<other>[\s\S])/gu

function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = []
  for (const match of sql.matchAll(TOKEN)) {
    const { skip, text, quoted, word } = match.groups!
    if (skip !== undefined) continue
    const end = match.index + match[0].length
    if (quoted !== undefined) {
      tokens.push({ kind: 'quoted', text: quoted.slice(1, -1).replaceAll('""', '"'), end })
    } else if (word !== undefined) tokens.push({ kind: 'word', text: word.toLowerCase(), end })
    else tokens.push({ kind: text === undefined ? 'other' : 'text', text: match[0], end })
  }
  return tokens
}

/** What ends the list of relations behind `from`, on the same level of brackets. */
const ENDS_FROM = new Set([
  'where',
  'group',
  'having',
  'order',
  'limit',
  'offset',
  'fetch',
  'window',
  'union',
  'except',
  'intersect',
  'select',
])

const STARTS_QUERY = new Set(['select', 'with', 'values', 'table'])

interface Level {
  /** Brackets of a function or an expression have no relations, though they may have a `from`. */
  readonly kind: 'query' | 'relation' | 'expression'
  isInFrom: boolean
  /** Whether the next token names a relation. */
  isDue: boolean
}

/**
 * The tables that a statement reads, in the order of the text: what stands behind `from`, `join` and the commas
 * between, and is no query, no function and no name that `with` has given.
 */
export function relationsIn(sql: string): readonly SqlRelation[] {
  const tokens = tokensOf(sql)
  const given = namesGivenByWith(tokens)
  const found: SqlRelation[] = []
  const levels: Level[] = [{ kind: 'query', isInFrom: false, isDue: false }]
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    const level = levels.at(-1)!
    if (token.kind === 'other') {
      if (token.text === '(') levels.push(levelAt(tokens, i, level))
      else if (token.text === ')' && levels.length > 1) levels.pop()
      else if (token.text === ',' && level.isInFrom) level.isDue = true
      continue
    }
    if (level.isDue && token.kind !== 'text') {
      if (token.kind === 'word' && token.text === 'lateral') continue
      level.isDue = false
      const { path, next } = pathAt(tokens, i)
      const behind = tokens[next]
      i = next - 1
      // A function such as unnest, or table.
      if (behind?.text === '(' && behind.kind === 'other') continue
      if (path.length === 1 && given.has(path[0]!.toLowerCase())) continue
      found.push({ path, end: tokens[i]!.end, isVersioned: isVersionAt(tokens, next) })
      continue
    }
    if (token.kind !== 'word' || level.kind === 'expression') continue
    if (token.text === 'from' && !isDistinctFrom(tokens, i)) {
      level.isInFrom = true
      level.isDue = true
    } else if (token.text === 'join' && level.isInFrom) level.isDue = true
    else if (ENDS_FROM.has(token.text) && level.kind === 'query') {
      level.isInFrom = false
      level.isDue = false
    }
  }
  return found
}

/** What a bracket opens; a relation is due in it if one was due before it. */
function levelAt(tokens: readonly Token[], at: number, around: Level): Level {
  const isRelation = around.isDue
  around.isDue = false
  const first = tokens[at + 1]
  if (first?.kind === 'word' && STARTS_QUERY.has(first.text)) {
    return { kind: 'query', isInFrom: false, isDue: false }
  }
  if (isRelation) return { kind: 'relation', isInFrom: true, isDue: true }
  // `((select …) union …)`: what the inner bracket opens is looked at by itself.
  return { kind: 'expression', isInFrom: false, isDue: false }
}

function pathAt(tokens: readonly Token[], at: number) {
  const path = [tokens[at]!.text]
  let next = at + 1
  while (tokens[next]?.text === '.' && isName(tokens[next + 1])) {
    path.push(tokens[next + 1]!.text)
    next += 2
  }
  return { path, next }
}

function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted'
}

/** `for timestamp as of`, `for version as of` and their older spellings. */
function isVersionAt(tokens: readonly Token[], at: number): boolean {
  return (
    tokens[at]?.text === 'for' && tokens[at + 2]?.text === 'as' && tokens[at + 3]?.text === 'of'
  )
}

/** `a is distinct from b` compares. */
function isDistinctFrom(tokens: readonly Token[], at: number): boolean {
  return tokens[at - 1]?.text === 'distinct' && ['is', 'not'].includes(tokens[at - 2]?.text ?? '')
}

/** `with a as (…), b (x, y) as (…)` → a, b: wherever in the statement it stands. */
function namesGivenByWith(tokens: readonly Token[]): ReadonlySet<string> {
  const names = new Set<string>()
  for (let i = 0; i < tokens.length; i++) {
    if (tokens[i]!.kind !== 'word' || tokens[i]!.text !== 'with') continue
    let at = tokens[i + 1]?.text === 'recursive' ? i + 2 : i + 1
    while (isName(tokens[at])) {
      let as = at + 1
      if (tokens[as]?.text === '(') as = afterBracket(tokens, as)
      if (tokens[as]?.text !== 'as' || tokens[as + 1]?.text !== '(') break
      names.add(tokens[at]!.text.toLowerCase())
      const end = afterBracket(tokens, as + 1)
      if (tokens[end]?.text !== ',') break
      at = end + 1
    }
  }
  return names
}

function afterBracket(tokens: readonly Token[], at: number): number {
  let depth = 0
  for (let i = at; i < tokens.length; i++) {
    if (tokens[i]!.kind !== 'other') continue
    if (tokens[i]!.text === '(') depth++
    else if (tokens[i]!.text === ')' && --depth === 0) return i + 1
  }
  return tokens.length
}
