import { CommandError } from './failure.ts'

/** What a statement that only reads starts with. */
const READING = ['select', 'with', 'values', 'show', 'describe', 'explain'] as const

/**
 * Fails with one line unless the statement only reads: tables are written by the functions alone, and the catalog by
 * deployments. Comments, blanks and parentheses before the first word do not count; what `explain analyze` runs does.
 */
export function requireReading(sql: string): void {
  const [word, rest] = firstWord(sql)
  if (word === 'explain') {
    requireReading(explained(rest))
    return
  }
  if ((READING as readonly string[]).includes(word)) return
  const what = word === '' ? 'a statement without a word' : `"${word}"`
  throw new CommandError(
    'query.notReading',
    `query only reads, so ${what} is refused: start with ${READING.slice(0, -1).join(', ')} or ${READING.at(-1)}`,
    { exitCode: 2 },
  )
}

const BEFORE_THE_FIRST_WORD = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?(?:\*\/|$)|\()*/

function firstWord(sql: string): readonly [string, string] {
  const bare = sql.replace(BEFORE_THE_FIRST_WORD, '')
  const word = /^\w+/.exec(bare)?.[0] ?? ''
  return [word.toLowerCase(), bare.slice(word.length)]
}

/** The statement behind `explain [analyze] [verbose] [(options)]`. */
function explained(rest: string): string {
  const [word, after] = firstWord(rest)
  if (word === 'analyze' || word === 'verbose') return explained(after)
  const options = /^\s*\(\s*(?:type|format)\s+\w+(?:\s*,\s*(?:type|format)\s+\w+)*\s*\)/i.exec(rest)
  return options === null ? rest : rest.slice(options[0].length)
}
