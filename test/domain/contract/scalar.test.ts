import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FieldType } from '#lib/domain/contract/contract.ts'
import { decimalText, unscaledOf } from '#lib/domain/contract/decimal-text.ts'
import { NumberText, type Reading, scalarReader } from '#lib/domain/contract/scalar.ts'

function read(type: FieldType, json: string): Reading {
  const value: unknown = JSON.parse(json)
  return scalarReader(type)(typeof value === 'number' ? new NumberText(json) : value)
}

const money: FieldType = { kind: 'decimal', precision: 10, scale: 2 }
const local: FieldType = { kind: 'timestamp', localZone: 'America/New_York' }

describe('a value is read exactly or not at all', () => {
  it.each<[FieldType, string, unknown]>([
    [{ kind: 'int' }, '7', 7n],
    [{ kind: 'int' }, '-0', 0n],
    [{ kind: 'int' }, '1e3', 1000n],
    [{ kind: 'int' }, '1200e-2', 12n],
    [{ kind: 'int' }, '7.0', 7n],
    [{ kind: 'int' }, '7.5', 'notInteger'],
    [{ kind: 'int' }, '2147483648', 'outOfRange'],
    [{ kind: 'int' }, '-2147483648', -2147483648n],
    [{ kind: 'int' }, '"7"', 'type'],
    [{ kind: 'int' }, 'true', 'type'],
    [{ kind: 'long' }, '9007199254740993', 9007199254740993n],
    [{ kind: 'long' }, '9223372036854775807', 9223372036854775807n],
    [{ kind: 'long' }, '9223372036854775808', 'outOfRange'],
    [{ kind: 'long' }, '1e999999999', 'outOfRange'],
    [{ kind: 'long' }, '0e999999999', 0n],
    [{ kind: 'long' }, '1e-999999999', 'notInteger'],
    [money, '12.34', 1234n],
    [money, '12.340000', 1234n],
    [money, '12.345', 'tooPrecise'],
    [money, '1234e-2', 1234n],
    [money, '99999999.99', 9999999999n],
    [money, '100000000', 'outOfRange'],
    [money, '0.1e1', 100n],
    [money, '"12.34"', 'type'],
    [{ kind: 'double' }, '0.1', 0.1],
    [{ kind: 'double' }, '1e400', 'outOfRange'],
    [{ kind: 'double' }, '"NaN"', 'type'],
    [{ kind: 'boolean' }, 'false', false],
    [{ kind: 'boolean' }, '0', 'type'],
    [{ kind: 'string' }, '"a\\u0000b"', 'a\0b'],
    [{ kind: 'string' }, '"\\ud83d\\ude00"', '😀'],
    [{ kind: 'string' }, '"\\ud83d"', 'notUnicode'],
    [{ kind: 'string' }, '7', 'type'],
    [{ kind: 'date' }, '"1970-01-02"', 1],
    [{ kind: 'date' }, '"1969-12-31"', -1],
    [{ kind: 'date' }, '"2000-02-29"', 11016],
    [{ kind: 'date' }, '"1900-02-29"', 'notDate'],
    [{ kind: 'date' }, '"0000-01-01"', 'notDate'],
    [{ kind: 'date' }, '"2019-1-1"', 'notDate'],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:01Z"', 1_000_000n],
    [{ kind: 'timestamp' }, '"1970-01-01t00:00:01.5z"', 1_500_000n],
    [{ kind: 'timestamp' }, '"1970-01-01 01:00:00+01:00"', 0n],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:00.0000010Z"', 1n],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:00.0000001Z"', 'tooPrecise'],
    [{ kind: 'timestamp' }, '"9999-12-31T23:59:59.999999Z"', 253402300799999999n],
    [{ kind: 'timestamp' }, '"0001-01-01T00:00:00Z"', -62135596800000000n],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:00"', 'notTimestamp'],
    [{ kind: 'timestamp' }, '"1970-01-01T24:00:00Z"', 'notTimestamp'],
    [{ kind: 'timestamp' }, '"2016-12-31T23:59:60Z"', 'notTimestamp'],
    [{ kind: 'timestamp' }, '"2019-02-30T00:00:00Z"', 'notTimestamp'],
    [{ kind: 'timestamp' }, '"1970-01-01T00:00:00+24:00"', 'notTimestamp'],
    [{ kind: 'timestamp' }, '0', 'type'],
    [local, '"2019-01-03 08:49:57"', 1546523397000000n],
    [local, '"2019-01-03T08:49:57.25"', 1546523397250000n],
    [local, '"2019-03-10 02:30:00"', 1552203000000000n],
    [local, '"2019-11-03 01:30:00"', 1572759000000000n],
    [local, '"2019-01-03 08:49:57Z"', 'notTimestamp'],
  ])('%j of %s', (type, json, expected) => {
    const reading = read(type, json)

    expect('value' in reading ? reading.value : reading.problem).toBe(expected)
  })

  it('a decimal comes back from its own text', () => {
    const value = fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n })
    fc.assert(
      fc.property(value, fc.integer({ min: 0, max: 18 }), (unscaled, scale) => {
        expect(unscaledOf(decimalText(unscaled, scale), scale)).toBe(unscaled)
      }),
    )
  })

  it('digits without end cost no time', () => {
    const start = process.cpuUsage()

    expect(unscaledOf('9'.repeat(1_000_000), 2)).toBe('outOfRange')
    expect(unscaledOf(`0.${'1'.repeat(1_000_000)}`, 2)).toBe('tooPrecise')
    expect(unscaledOf(`1.${'0'.repeat(1_000_000)}`, 2)).toBe(100n)
    // Processor time: other tests run beside this one.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(1_000)
  })
})
