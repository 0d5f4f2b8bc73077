import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import {
  disagreement,
  disagreementOnEvents,
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
  const fresh = () => hostileRecords(contract, random, RECORDS_PER_BATCH)
  for (let batch = 0; batch < RECORDS_PER_SEED / RECORDS_PER_BATCH; batch++) {
    const isHuge = batch === 7 && number % 10 === 0
    const records = isHuge ? hugeRecords(contract, random) : fresh()
    const expected = expectedOf(contract, records)
    const what = attempt(() => disagreement(decoder, records, expected))
    // Every other batch also as raw would give it back.
    const again =
      batch % 4 === 0 ? attempt(() => disagreementOnEvents(decoder, expected)) : undefined
    inputs += records.length
    events += expected.events.length
    accepted += expected.decoded.batch.rows
    for (const { reason } of expected.decoded.rejected) {
      const kind = reason.replace(/^(?!event|undecodable)[^.:]+/, '*')
      reasons.set(kind, (reasons.get(kind) ?? 0) + 1)
    }
    for (const one of [what, again]) {
      if (one !== undefined) disagreements.push({ seed: number, batch, what: one })
    }
  }
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
