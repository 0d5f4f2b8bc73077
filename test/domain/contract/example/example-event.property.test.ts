import { describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { exampleEvent } from '#lib/domain/contract/example/example-event.ts'
import { decodeByVersion } from '#lib/domain/ingest/decode-by-version.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { randomContract } from '#test/domain/ingest/decoder/random-contract.ts'
import { record } from '#test/support/trip-events.ts'
import { type RandomContract, randomDocument } from '../random-document.ts'

/** What the platform makes of the text as a record: the reason, or that it is accepted. */
function verdictOn({ contract }: RandomContract, text: string): string {
  const { parts, rejected } = decodeByVersion(
    versionsOf([contract]).inForce(contract.version),
    unpackRecord(record(1, text)),
    { shard: 's' },
  )
  const rows = parts.reduce((sum, { decoded }) => sum + decoded.batch.rows, 0)
  return rejected[0]?.reason ?? (rows === 1 ? 'accepted' : 'lost')
}

/** How often each outcome came; a contract that nothing fits has none. */
function outcomes(contracts: Iterable<RandomContract>): Map<string, number> {
  const found = new Map<string, number>()
  for (const one of contracts) {
    const example = exampleEvent(one.contract, one.document)
    const outcome = example.ok ? verdictOn(one, example.text) : 'none'
    found.set(outcome, (found.get(outcome) ?? 0) + 1)
  }
  return found
}

function* contracts(count: number, make: (seed: number) => RandomContract) {
  for (let seed = 1; seed <= count; seed++) yield make(seed)
}

describe('the example event of a random contract', () => {
  it('is accepted where one has objects, arrays and changes', () => {
    const found = outcomes(contracts(250, (seed) => randomDocument(seededRandom(seed))))

    // A list of three different numbers between 5 and 5 is a contract too, and nothing fits it.
    const { none = 0, accepted, ...others } = Object.fromEntries(found)
    expect(others).toEqual({})
    expect(none + accepted!).toBe(250)
    expect(none).toBeLessThan(10)
  })

  it('is accepted where one has patterns, bounds and rules', () => {
    const found = outcomes(
      contracts(250, (seed) => ({ document: null, contract: randomContract(seededRandom(seed)) })),
    )

    expect([...found.keys()].toSorted()).toEqual(['accepted', 'none'])
    // Rules that are put together by chance may leave nothing: a < a, or below a minimum.
    expect(found.get('none')).toBeLessThan(40)
  })
})
