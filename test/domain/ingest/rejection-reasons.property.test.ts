import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { exampleEvent } from '#lib/domain/contract/example/example-event.ts'
import { decode } from '#lib/domain/ingest/decode.ts'
import {
  CHANGE_REASONS,
  EVENT_REASONS,
  FIELD_PROBLEMS,
  rejectionReasons,
} from '#lib/domain/ingest/rejection-reasons.ts'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { randomDocument } from '#test/domain/contract/random-document.ts'
import { record } from '#test/support/trip-events.ts'
import { hostileEvent } from './decoder/hostile-event.ts'
import { ODD_VALUES } from './decoder/odd-values.ts'
import { pick, randomContract } from './decoder/random-contract.ts'

/** Reasons that were given, and those of them that are not listed. */
class Seen {
  readonly reasons = new Set<string>()
  readonly unlisted: string[] = []

  judge(contract: Contract, bytes: string): void {
    const listed = new Set(rejectionReasons(contract))
    const { rejected } = decode(contract, unpackRecord(record(1, bytes)), { shard: 's' })
    for (const { reason } of rejected) {
      this.reasons.add(reason)
      if (!listed.has(reason)) this.unlisted.push(reason)
    }
  }
}

const VALUES = [...ODD_VALUES, '"08:30:00.1234567"', '"24:00:00"', '"07:00:00"', '"host_name"', '8']

/** The text with one value of its JSON replaced by an odd one. */
function withOddValue(text: string, random: Random): string {
  const values = [
    ...text.matchAll(/(?<=[:[,])(?:"(?:[^"\\]|\\.)*"(?!:)|-?[0-9][0-9.e+-]*|true|false|null)/g),
  ]
  const { index, 0: value } = pick(random, values)
  return `${text.slice(0, index)}${pick(random, VALUES)}${text.slice(index + value.length)}`
}

describe('every reason that an event is given is listed for its contract', () => {
  it('whatever it holds', () => {
    const seen = new Seen()
    for (let seed = 0; seed < 60; seed++) {
      const random = seededRandom(seed, 6)
      const contract = randomContract(random)
      for (let at = 0; at < 40; at++) {
        seen.judge(contract, hostileEvent(contract, random, { odd: 0.1, dropped: 0.1 }))
      }
    }

    expect(seen.unlisted).toEqual([])
    expect(seen.reasons.size).toBeGreaterThan(100)
  })

  it('whatever is nested in it, and of changes', () => {
    const seen = new Seen()
    for (let seed = 0; seed < 100; seed++) {
      const random = seededRandom(seed, 7)
      const { contract, document } = randomDocument(random)
      const example = exampleEvent(contract, document)
      if (!example.ok) continue
      for (let at = 0; at < 40; at++) seen.judge(contract, withOddValue(example.text, random))
    }

    expect(seen.unlisted).toEqual([])
    expect([...seen.reasons].some((reason) => reason.includes('[].'))).toBe(true)
    expect([...seen.reasons].some((reason) => reason.startsWith('after.'))).toBe(true)
  })

  it('in words that tell one from the other', () => {
    for (const reasons of [EVENT_REASONS, FIELD_PROBLEMS, CHANGE_REASONS]) {
      const meanings = Object.values(reasons)

      expect(new Set(meanings).size).toBe(meanings.length)
    }
  })
})
