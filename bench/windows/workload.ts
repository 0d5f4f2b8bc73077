import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'

/** Event time of the first event: the start of a window. */
export const START_MS = Date.UTC(2026, 0, 1)
/** How densely events lie in event time. */
export const EVENTS_PER_SECOND = 2_000
export const USERS = 20_000

const RESENT = 0.01
const DISORDERED = 0.05
/** Less than the bound on disorder in the contract: nothing is late, so every engine has the same answer. */
const MOST_DISORDER_MS = 4_000
const CHANNELS = ['web', 'ios', 'android', 'api']
const NOTE = 'x'.repeat(60)

export function bidsContract(): Contract {
  const file = join(import.meta.dirname, 'contract.yaml')
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.contract
}

/**
 * Bids as CloudEvents, a line each: one in a hundred is sent again right after itself, one in twenty comes late by up to four
 * seconds, and few users bid most. The same for a seed.
 */
export function* bids(count: number, seed: number): Generator<string> {
  const random = seededRandom(seed)
  let before: string | undefined
  for (let i = 0; i < count; i++) {
    if (before !== undefined && random() < RESENT) {
      yield before
      continue
    }
    const late = random() < DISORDERED ? Math.floor(random() * MOST_DISORDER_MS) : 0
    const ms = Math.max(START_MS, START_MS + Math.floor((1_000 * i) / EVENTS_PER_SECOND) - late)
    const at = new Date(ms).toISOString()
    before = JSON.stringify({
      specversion: '1.0',
      id: `e${i.toString(36).padStart(10, '0')}`,
      source: '/bench/bids',
      type: 'com.example.bid.placed',
      data: {
        placed_at: at,
        placed_ms: ms,
        user_id: `u${Math.floor(random() ** 2 * USERS)}`,
        auction: Math.floor(random() * 1_000),
        price: Math.floor(random() * 100_000) / 100,
        channel: CHANNELS[Math.floor(random() * CHANNELS.length)],
        url: `https://example.com/item/${Math.floor(random() * 1e6)}`,
        note: NOTE,
      },
    })
    yield before
  }
}

/** Who bids when, of the same bids. */
export function* bidTimes(
  count: number,
  seed: number,
): Generator<{ readonly user: string; readonly ms: number }> {
  for (const line of bids(count, seed)) {
    const { data } = JSON.parse(line) as { data: { user_id: string; placed_ms: number } }
    yield { user: data.user_id, ms: data.placed_ms }
  }
}

export function writeBids(path: string, count: number, seed: number): void {
  const file = openSync(path, 'w')
  try {
    let lines: string[] = []
    for (const line of bids(count, seed)) {
      if (lines.push(line) < 10_000) continue
      writeSync(file, `${lines.join('\n')}\n`)
      lines = []
    }
    if (lines.length > 0) writeSync(file, `${lines.join('\n')}\n`)
  } finally {
    closeSync(file)
  }
}

/** Lists of so many lines of a file as JSON, several at a time: a file of millions of events need not be in memory. */
export function* listsOfLines(
  path: string,
  linesPerList: number,
  listsAtOnce: number,
): Generator<readonly Buffer[]> {
  const file = openSync(path, 'r')
  try {
    const block = Buffer.allocUnsafe(1 << 20)
    let rest = Buffer.alloc(0)
    let lists: Buffer[] = []
    for (;;) {
      const read = readSync(file, block)
      const bytes = Buffer.concat([rest, block.subarray(0, read)])
      let start = 0
      for (;;) {
        const end = endOfLines(bytes, start, linesPerList, read === 0)
        if (end === undefined) break
        lists.push(listOf(bytes.subarray(start, end)))
        start = end + 1
        if (lists.length < listsAtOnce) continue
        yield lists
        lists = []
      }
      rest = bytes.subarray(start)
      if (read > 0) continue
      if (lists.length > 0) yield lists
      return
    }
  } finally {
    closeSync(file)
  }
}

/** Where so many lines end; at the end of the file fewer will do. Undefined if they do not. */
function endOfLines(
  bytes: Buffer,
  start: number,
  lines: number,
  isLast: boolean,
): number | undefined {
  let end = start - 1
  for (let line = 0; line < lines; line++) {
    const next = bytes.indexOf(0x0a, end + 1)
    if (next === -1) return isLast && end >= start ? end : undefined
    end = next
  }
  return end
}

function listOf(lines: Buffer): Buffer {
  const list = Buffer.allocUnsafe(lines.length + 2)
  list[0] = 0x5b
  lines.copy(list, 1)
  list[list.length - 1] = 0x5d
  for (let at = list.indexOf(0x0a); at !== -1; at = list.indexOf(0x0a, at + 1)) list[at] = 0x2c
  return list
}
