import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { type FeatureValues, readFeatures } from '#lib/domain/features/read-features.ts'
import type { SequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { SlotStore } from '#lib/domain/process/slot-store.ts'
import { SLOTS_TABLE, VIEW, WINDOW_SECONDS } from '../cell/product.ts'
import type { ItemChange } from '../cloud/dynamodb.ts'
import type { Item } from '../cloud/dynamodb-expressions.ts'
import type { ArchiveChecks, CheckedEntry } from './archive-checks.ts'
import { must, mustEqual } from './violation.ts'

/** What the entries of one shard add to one key and window, in order. */
interface Contribution {
  readonly sequence: SequenceNumber
  readonly events: number
  readonly cents: number
}

const WINDOW_MICROS = WINDOW_SECONDS * 1_000_000
const CURSORS = `cursor#${VIEW.name}`
const SLOTS = `slot#${VIEW.name}#`

/**
 * Holds slots and cursors against the journal at each write: a slot has what the entries up to its position add to
 * it, no more and no less; a cursor stands behind all slots that the entries up to it touch.
 */
export class WindowChecks {
  readonly #archive: ArchiveChecks
  /** By shard, then by key and window. */
  readonly #contributions = new Map<string, Map<string, Contribution[]>>()
  readonly #slots = new Map<string, SequenceNumber>()
  readonly #cursors = new Map<string, SequenceNumber>()

  readonly #contracts: ContractVersions
  readonly #fail: (error: unknown) => void

  constructor(options: {
    readonly archive: ArchiveChecks
    readonly contracts: ContractVersions
    /** Told what a check finds that takes a promise, before the next turn. */
    readonly fail: (error: unknown) => void
  }) {
    this.#archive = options.archive
    this.#contracts = options.contracts
    this.#fail = options.fail
  }

  /** An entry was created. */
  onEntry({ entry, verdicts }: CheckedEntry): void {
    const ofShard = this.#contributions.get(entry.shard) ?? new Map<string, Contribution[]>()
    this.#contributions.set(entry.shard, ofShard)
    const added = new Map<string, { events: number; cents: number }>()
    for (const { event } of verdicts.admitted) {
      const { atMicros, key, cents } = event.row!
      const start = Math.floor(atMicros / WINDOW_MICROS) * WINDOW_MICROS
      const id = slotId(key, start)
      const sum = added.get(id) ?? { events: 0, cents: 0 }
      sum.events++
      sum.cents += cents
      added.set(id, sum)
    }
    for (const [id, sum] of added) {
      const known = ofShard.get(id) ?? []
      known.push({ sequence: entry.last, ...sum })
      ofShard.set(id, known)
    }
  }

  onItem({ table, partition, sort, before, after }: ItemChange): void {
    if (table !== SLOTS_TABLE) return
    if (partition !== CURSORS && !partition.startsWith(SLOTS)) return
    must(after !== undefined, () => `slot ${partition}/${sort} was removed`)
    const sequence = after.sequence!.S as SequenceNumber
    if (partition === CURSORS) {
      this.#checkCursor(sort, sequence)
      return
    }
    const [start, shard] = sort.split('#') as [string, string]
    const key = partition.slice(SLOTS.length)
    const id = slotId(key, Date.parse(start) * 1000)
    const where = `slot ${partition}/${sort}`
    const known = before?.sequence?.S
    must(known === undefined || known < sequence, () => `${where} went back to ${sequence}`)
    this.#slots.set(`${shard}/${id}`, sequence)
    const expected = this.#valuesUpTo(shard, id, sequence)
    this.#valuesOf(after, key)
      .then((found) => {
        mustEqual(found, expected, () => `${where} at ${sequence}`)
      })
      .catch(this.#fail)
  }

  /** Whether every cursor stands at its shard's newest entry. */
  isDrained(): boolean {
    return [...this.#archive.entries].every(
      ([shard, entries]) => this.#cursors.get(shard) === entries.at(-1)?.entry.last,
    )
  }

  /** A reader's answer: of each shard some state that it once had, perhaps an old one. */
  mustHaveBeen({ key, window, values }: FeatureValues, atMs: number): void {
    if (window === null) return
    const where = `features of ${key} at ${new Date(atMs).toISOString()}`
    const start = Date.parse(window.start)
    must(start <= atMs, () => `${where} are of ${window.start}`)
    const id = slotId(key, start * 1000)
    let possible = new Set(['0/0'])
    for (const ofShard of this.#contributions.values()) {
      const next = new Set(possible)
      let [events, cents] = [0, 0]
      for (const one of ofShard.get(id) ?? []) {
        events += one.events
        cents += one.cents
        for (const sum of possible) {
          const [otherEvents, otherCents] = sum.split('/').map(Number)
          next.add(`${otherEvents! + events}/${otherCents! + cents}`)
        }
      }
      possible = next
    }
    const found = `${values.events}/${String(values.amount)
      .replace('.', '')
      .replace(/^0+(?=\d)/, '')}`
    must(possible.has(found), () => `${where} never were ${found}`)
  }

  /** Once all is drained: a reader is told exactly what was admitted, of every key and window. */
  async mustBeComplete(slots: SlotStore): Promise<void> {
    const sums = new Map<string, { events: number; cents: number }>()
    for (const ofShard of this.#contributions.values()) {
      for (const [id, contributions] of ofShard) {
        const sum = sums.get(id) ?? { events: 0, cents: 0 }
        for (const { events, cents } of contributions) {
          sum.events += events
          sum.cents += cents
        }
        sums.set(id, sum)
      }
    }
    for (const [id, { events, cents }] of sums) {
      const at = id.indexOf('/')
      const [start, key] = [Number(id.slice(0, at)), id.slice(at + 1)]
      const { current } = this.#contracts
      const { values, window } = await readFeatures({ slots, contract: current }, VIEW, key, start)
      mustEqual(
        [window?.start, values.events, String(values.amount)],
        [new Date(start / 1000).toISOString(), events, amountText(cents)],
        () => `features of ${key}, after all`,
      )
    }
  }

  #checkCursor(shard: string, cursor: SequenceNumber): void {
    const known = this.#cursors.get(shard)
    must(known === undefined || known < cursor, () => `cursor of ${shard} went back to ${cursor}`)
    must(
      this.#archive.entriesOf(shard).some(({ entry }) => entry.last === cursor),
      () => `cursor of ${shard} stands at ${cursor}, where no entry ends`,
    )
    for (const [id, contributions] of this.#contributions.get(shard) ?? []) {
      const last = contributions.findLast(({ sequence }) => sequence <= cursor)?.sequence
      if (last === undefined) continue
      const slot = this.#slots.get(`${shard}/${id}`)
      must(
        slot !== undefined && slot >= last,
        () => `cursor of ${shard} stands at ${cursor}, slot ${id} at ${slot}`,
      )
    }
    this.#cursors.set(shard, cursor)
  }

  /** What readers are told if this were the only slot; how a state is stored is nobody else's business. */
  async #valuesOf(item: Item, key: string): Promise<object> {
    const client = { send: async () => ({ Items: [item] }) } as unknown as DynamoDBClient
    const slots = new DynamoDbSlotStore({ client, tableName: SLOTS_TABLE })
    const { values } = await readFeatures(
      { slots, contract: this.#contracts.current },
      VIEW,
      key,
      Number.MAX_SAFE_INTEGER,
    )
    return { events: values.events, amount: String(values.amount) }
  }

  #valuesUpTo(shard: string, id: string, sequence: SequenceNumber): object {
    const all = this.#contributions.get(shard)?.get(id) ?? []
    const included = all.filter((one) => one.sequence <= sequence)
    const events = included.reduce((sum, one) => sum + one.events, 0)
    const cents = included.reduce((sum, one) => sum + one.cents, 0)
    return { events, amount: events === 0 ? 'null' : amountText(cents) }
  }
}

function amountText(cents: number): string {
  return `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`
}

function slotId(key: string, start: number): string {
  return `${start}/${key}`
}
