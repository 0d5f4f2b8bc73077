import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { cloudEventText, mapCsvRow } from '#lib/domain/ingest/csv-mapping.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { csv } from '#products/trips/source.ts'
import { withoutPersonal } from '#test/support/without-personal.ts'

/** A record as a Lambda function gets it, with the place that it stands at. */
export interface LambdaRecord {
  readonly sequence: ReturnType<typeof sequenceNumber>
  readonly arrivalMicros: number
  /** base64 */
  readonly data: string
}

const product = join(import.meta.dirname, '../../products/trips')
const { derived: _, ...withoutRiders } = csv
const SAMPLES = ['yellow_tripdata_2019-01_sample.csv', 'yellow_tripdata_2019-02_sample.csv']

/** Without riders. */
export function tripsContract(): Contract {
  const file = join(product, 'contract.yaml')
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return withoutPersonal(parsed.contract)
}

/** CloudEvents of real trips, drawn with replacement; each has an id of its own. The same for a seed. */
export function tripEvents(count: number, random: Random): string[] {
  const rows = SAMPLES.flatMap((name) => {
    const [header, ...lines] = parse(
      readFileSync(join(product, 'data', name), 'utf8'),
    ) as string[][]
    return lines.map((cells) => ({ header: header!, cells }))
  })
  return Array.from({ length: count }, () => {
    const { header, cells } = rows[Math.floor(random() * rows.length)]!
    const mapped = mapCsvRow(withoutRiders, header, cells)
    if (!mapped.ok) throw new Error(mapped.problem)
    return cloudEventText({ ...mapped.events[0]!, id: hexadecimal(random) })
  })
}

function hexadecimal(random: Random): string {
  const words = Array.from({ length: 4 }, () => Math.floor(random() * 2 ** 32))
  return words.map((word) => word.toString(16).padStart(8, '0')).join('')
}

/** How the events of a case travel. */
export const CASES = {
  single: (events: readonly string[]) => events.map((event) => Buffer.from(event)),
  batch: (events: readonly string[]) => batches(events),
  zstd: (events: readonly string[]) => batches(events).map((bytes) => zstdCompressSync(bytes)),
  unknownLayout: (events: readonly string[], random: Random) =>
    batches(events.map((event) => inRandomOrder(event, random))),
} satisfies Record<string, (events: readonly string[], random: Random) => Uint8Array[]>

export type Case = keyof typeof CASES

/** The records of a case, as Lambda hands them over. */
export function lambdaRecords(name: Case, count: number, seed: number): LambdaRecord[] {
  const random = seededRandom(seed)
  const bodies = CASES[name](tripEvents(count, random), random)
  return bodies.map((bytes, i) => ({
    sequence: sequenceNumber(String(49_600_000_000_000_000_000_000_000n + BigInt(i))),
    arrivalMicros: Date.UTC(2026, 0, 1) * 1000 + i * 10_000,
    data: Buffer.from(bytes).toString('base64'),
  }))
}

const EVENTS_PER_BATCH = 100

function batches(events: readonly string[]): Buffer[] {
  const bodies: Buffer[] = []
  for (let i = 0; i < events.length; i += EVENTS_PER_BATCH) {
    bodies.push(Buffer.from(`[${events.slice(i, i + EVENTS_PER_BATCH).join(',')}]`))
  }
  return bodies
}

/** The event with the members of its envelope and of its data in an order of their own. */
function inRandomOrder(event: string, random: Random): string {
  const shuffled = (object: Readonly<Record<string, unknown>>) => {
    const members = Object.entries(object).map((member) => ({ member, at: random() }))
    members.sort((a, b) => a.at - b.at)
    return Object.fromEntries(members.map(({ member }) => member))
  }
  const parsed = JSON.parse(event)
  return JSON.stringify(shuffled({ ...parsed, data: shuffled(parsed.data) }))
}
