import { describe, expect, it } from 'vitest'
import { compareUtf8, holds, updated } from './dynamodb-expressions.ts'

const input = {
  ExpressionAttributeNames: { '#s': 's', '#n': 'n' },
  ExpressionAttributeValues: {
    ':b': { S: 'b' },
    ':c': { S: 'c' },
    ':two': { N: '2' },
    ':ten': { N: '10' },
  },
}
const item = { s: { S: 'b' }, n: { N: '9' } }

describe('a condition', () => {
  it.each([
    ['#s = :b', true],
    ['#s <> :b', false],
    ['#s < :c AND #n < :ten', true],
    ['#s > :c OR #n >= :two', true],
    ['NOT #s = :b', false],
    ['attribute_exists(#s) AND attribute_not_exists(other)', true],
    ['(#s = :c OR #s = :b) AND #n <= :ten', true],
    ['#s = :b OR #s = :c AND #n < :two', true],
    ['begins_with(#s, :b)', true],
    ['#n BETWEEN :two AND :ten', true],
    // An absent attribute compares with nothing.
    ['other < :b', false],
    ['other <> :b', true],
  ])('%s: %s', (condition, expected) => {
    expect(holds(condition, item, input)).toBe(expected)
  })

  it('that the model cannot read is refused', () => {
    expect(() => holds('contains(#s, :b)', item, input)).toThrow('cannot read')
    expect(() => holds('#s = :b AND', item, input)).toThrow('cannot read')
    expect(() => holds('#s = :missing', item, input)).toThrow(':missing has no value')
  })
})

describe('an update', () => {
  it.each([
    ['SET #s = :c', { s: { S: 'c' }, n: { N: '9' } }],
    ['SET #n = #n + :two, #s = if_not_exists(other, :c)', { s: { S: 'c' }, n: { N: '11' } }],
    ['REMOVE #s', { n: { N: '9' } }],
    ['ADD #n :ten REMOVE #s', { n: { N: '19' } }],
  ])('%s', (update, expected) => {
    expect(updated(update, item, input)).toEqual(expected)
  })
})

it('strings are in the order of their UTF-8 bytes, not of UTF-16', () => {
  expect(compareUtf8('\u{10000}', '\uffff')).toBeGreaterThan(0)
  expect(compareUtf8('a', 'b')).toBeLessThan(0)
})
