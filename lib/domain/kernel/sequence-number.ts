import { PlatformError } from './errors.ts'

declare const brand: unique symbol
/**
 * A Kinesis sequence number as 3-digit length + digits, so that text order is number order
 * (S3 keys, sort keys, conditions). Never a JavaScript or DynamoDB number: Kinesis has 56 digits.
 */
export type SequenceNumber = string & { readonly [brand]: 'SequenceNumber' }

/** The predecessor of a shard's first record. Sorts after every digit, so never compare it: use {@link isAfter}. */
export const START = 'start'
export type Predecessor = SequenceNumber | typeof START

/** From the digits that Kinesis gives. Throws `kernel.sequenceNumber` on anything else. */
export function sequenceNumber(digits: string): SequenceNumber {
  if (!/^\d{1,999}$/.test(digits)) {
    throw new PlatformError('kernel.sequenceNumber', 'a sequence number is a string of digits', {
      context: { received: digits.slice(0, 80) },
    })
  }
  const bare = digits.replace(/^0+(?=\d)/, '')
  return `${String(bare.length).padStart(3, '0')}${bare}` as SequenceNumber
}

/** From its stored form. Throws `kernel.sequenceNumber` if length and digits do not agree. */
export function parseSequenceNumber(stored: string): SequenceNumber {
  if (!/^\d{4,}$/.test(stored) || Number(stored.slice(0, 3)) !== stored.length - 3) {
    throw new PlatformError('kernel.sequenceNumber', 'not a stored sequence number', {
      context: { received: stored.slice(0, 80) },
    })
  }
  return stored as SequenceNumber
}

export function parsePredecessor(stored: string): Predecessor {
  return stored === START ? START : parseSequenceNumber(stored)
}

/** The digits, as Kinesis knows them. */
export function digitsOf(sequence: SequenceNumber): string {
  return sequence.slice(3)
}

/** Whether the position lies after the predecessor. */
export function isAfter(sequence: SequenceNumber, predecessor: Predecessor): boolean {
  return predecessor === START || sequence > predecessor
}
