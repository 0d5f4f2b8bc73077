import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import type { Decoder } from '#lib/domain/ingest/decoder/decoder.ts'
import type { RawLimits } from '#lib/domain/ingest/raw-limits.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import {
  disagreement,
  disagreementOnEvents,
  disagreementOnLines,
  type Expected,
  expectedOf,
} from '../domain/ingest/decoder/disagreement.ts'
import { hostileRecords, hugeRecords } from '../domain/ingest/decoder/hostile-record.ts'
import { randomContract } from '../domain/ingest/decoder/random-contract.ts'

/**
 * The slow lane of the decoder's differential test: hostile records of the trips product and of random contracts
 * through the fast and the slow decoder. Prints one JSON document and exits with 1 if they disagree anywhere.
 *
 * `node test/fuzz/decoder-fuzz.ts --inputs 1000000 --seed 1`; a seed that failed is repeated with `--only <seed>`.
 */
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
  },
})

/** Records of one seed: they share a contract, and a decoder that learns from them. */
const RECORDS_PER_SEED = 2_000
const RECORDS_PER_BATCH = 40
/** A batch ends in the middle of the records. */
const SMALL: RawLimits = { maxWeight: 5_000, maxEvents: 20 }

const trips = tripsContract()
const disagreements: { seed: number; batch: number; what: string }[] = []
const reasons = new Map<string, number>()
let inputs = 0
let events = 0
let accepted = 0
let seed = Number(values.only ?? values.seed)
const firstSeed = seed
const started = performance.now()

while (inputs < Number(values.inputs) && disagreements.length < 10) {
  fuzzSeed(seed++)
  if (values.only !== undefined) break
}
const report = {
  seeds: { from: firstSeed, to: seed - 1 },
  inputs,
  events,
  accepted,
  reasons: Object.fromEntries([...reasons].sort()),
  disagreements,
  seconds: Math.round((performance.now() - started) / 1000),
}
console.log(JSON.stringify(report, null, 2))
process.exitCode = disagreements.length === 0 ? 0 : 1

function fuzzSeed(number: number): void {
  const random = seededRandom(number, 4)
  const contract = number % 3 === 0 ? trips : randomContract(random)
  const decoder = createDecoder(contract)
  const other = createDecoder(contract)
  const fresh = () => hostileRecords(contract, random, RECORDS_PER_BATCH)
  for (let batch = 0; batch < RECORDS_PER_SEED / RECORDS_PER_BATCH; batch++) {
    const isHuge = batch === 7 && number % 10 === 0
    const records = isHuge ? hugeRecords(contract, random) : fresh()
    const limits = batch % 5 === 1 ? SMALL : undefined
    inputs += records.length
    for (const expected of expectedOf(contract, records, limits)) {
      const found = [attempt(() => disagreement(decoder, expected, limits))]
      // Some also as raw would give it back, or another decoder.
      if (batch % 4 === 0) found.push(attempt(() => disagreementOnEvents(decoder, expected)))
      if (batch % 4 === 2)
        found.push(attempt(() => onSomeLines(decoder, other, contract, expected)))
      for (const what of found) {
        if (what !== undefined) disagreements.push({ seed: number, batch, what })
      }
      count(expected)
    }
  }
}

function count({ events: lines, decoded }: Expected): void {
  events += lines.length
  accepted += decoded.batch.rows
  for (const { reason } of decoded.rejected) {
    const kind = reason.replace(/^(?!event|undecodable)[^.:]+/, '*')
    reasons.set(kind, (reasons.get(kind) ?? 0) + 1)
  }
}

/** Every third event of what one decoder received, read by another. */
function onSomeLines(
  decoder: Decoder,
  other: Decoder,
  contract: Contract,
  { records }: Expected,
): string | undefined {
  const { events: received } = decoder.decodeRecords(records, { shard: 's' })
  const lines = Array.from({ length: received.length }, (_, line) => line)
  const some = lines.filter((line) => line % 3 === 0)
  return disagreementOnLines(other, contract, received, some)
}

/** A decoder that throws disagrees, too. */
function attempt(compare: () => string | undefined): string | undefined {
  try {
    return compare()
  } catch (error) {
    return `threw ${error instanceof Error ? error.stack : error}`
  }
}

function tripsContract(): Contract {
  const file = new URL('../../products/trips/contract.yaml', import.meta.url).pathname
  const parsed = parseContract(readFileSync(file, 'utf8'), { file })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.contract
}
