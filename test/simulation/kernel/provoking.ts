import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { Choose, Turn } from './scheduler.ts'

/** How likely a call is held back. */
const HELD_WRITES = 0.25
const HELD_READS = 0.06
/** After so many turns a call that met nobody goes on. */
const MOST_TURNS_HELD = 300

/**
 * Provokes meetings: now and then a call is held back until somebody else is about to do something to the same thing, and
 * then chance says who comes first. So what two processes do to one item from what each of them has read before comes in
 * either order, however far apart they would have been.
 */
export function provoking(random: Random, choose: Choose): Choose {
  const held = new Map<Turn, number>()
  const tried = new WeakSet<Turn>()
  let turns = 0
  return (due) => {
    turns++
    const meeting = meetingOf(due, held)
    if (meeting !== undefined) {
      for (const at of meeting) release(due[at]!)
      return meeting[random() < 0.5 ? 0 : 1]
    }
    for (;;) {
      const free = due.flatMap((turn, at) => ((held.get(turn) ?? 0) <= turns ? [at] : []))
      // Nobody is left whom they could meet.
      if (free.length === 0) return taken(due, Math.floor(random() * due.length))
      const at = free[choose(free.map((one) => due[one]!))]!
      const turn = due[at]!
      const chance = tried.has(turn) ? 0 : chanceToHold(turn)
      tried.add(turn)
      if (random() >= chance) return taken(due, at)
      held.set(turn, turns + MOST_TURNS_HELD)
    }
  }

  function release(turn: Turn): void {
    held.delete(turn)
    tried.add(turn)
  }

  function taken(due: readonly Turn[], at: number): number {
    release(due[at]!)
    return at
  }
}

/** One that is held, and one of somebody else that touches the same. */
function meetingOf(
  due: readonly Turn[],
  held: ReadonlyMap<Turn, number>,
): readonly [number, number] | undefined {
  if (held.size === 0) return undefined
  for (const [at, turn] of due.entries()) {
    if (!held.has(turn)) continue
    const other = due.findIndex((one) => one.actor !== turn.actor && conflict(one, turn))
    if (other >= 0) return [at, other]
  }
  return undefined
}

/** Whether a turn is the effect of a call that changes something. */
export function isWrite({ label }: Turn): boolean {
  return /^(?:Put|Update|Create)/.test(label)
}

function chanceToHold(turn: Turn): number {
  if (isWrite(turn)) return HELD_WRITES
  return /^(?:Get|Query)/.test(turn.label) ? HELD_READS : 0
}

/** Whether two calls are about one thing, or one about a part of the other's, and not both only read. */
function conflict(one: Turn, other: Turn): boolean {
  if (!isWrite(one) && !isWrite(other)) return false
  const [a, b] = [targetOf(one), targetOf(other)]
  return a !== '' && b !== '' && (a.startsWith(b) || b.startsWith(a))
}

/** What stands behind the operation: an item, an object, a table. */
function targetOf({ label }: Turn): string {
  return /^(?:Put|Update|Create|Get|Query)\w* (?:if absent )?(\S+)/.exec(label)?.[1] ?? ''
}
