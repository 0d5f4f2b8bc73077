import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type ContractParse, parseContract } from '#lib/domain/contract/parse-contract.ts'

const trips = readFileSync('products/trips/contract.yaml', 'utf8')

function parse(text: string): ContractParse {
  return parseContract(text, { file: 'contract.yaml' })
}

/** What is wrong after this change, as an editor would list it. */
function problems(before: string, after: string): string[] {
  expect(trips).toContain(before)
  const parsed = parse(trips.replace(before, after))
  return parsed.ok ? [] : parsed.problems.map((p) => `${p.line}:${p.column} ${p.message}`)
}

function lineOf(text: string): number {
  return trips.slice(0, trips.indexOf(text)).split('\n').length
}

describe('a wrong contract', () => {
  it('is refused with file, line, column, what is wrong and what to write instead', () => {
    const parsed = parse(trips.replace('logicalType: integer', 'logicalType: number'))

    expect(parsed).toMatchObject({
      ok: false,
      problems: [
        {
          file: 'contract.yaml',
          line: lineOf('- name: vendor_id'),
          column: 9,
          message: expect.stringMatching(/^a number must say how it is kept: add "physicalType/),
        },
      ],
    })
  })

  it('names the next free field id where one is missing', () => {
    const missing = `        customProperties:\n          - property: weir.fieldId\n            value: 27\n`

    expect(problems(missing, '')).toEqual([
      expect.stringContaining('"value: 36" (the next free id)'),
    ])
  })

  it('advises another free field id for each that is missing or given twice', () => {
    const without = (id: number) =>
      `        customProperties:\n          - property: weir.fieldId\n            value: ${id}\n`
    const text = trips
      .replace(without(27), '')
      .replace(without(12), '')
      .replace('value: 18', 'value: 17')

    const parsed = parse(text)

    expect(parsed.ok ? [] : parsed.problems.map((one) => one.message)).toEqual([
      expect.stringContaining('"value: 36" (the next free id)'),
      expect.stringContaining('give "dropoff_location_id" 37, the next free id'),
      expect.stringContaining('"value: 38" (the next free id)'),
    ])
  })

  it('names the next free field id where one is given twice', () => {
    expect(problems('value: 18', 'value: 17')).toEqual([
      expect.stringContaining(
        'weir.fieldId 17 is already that of "pickup_location_id": give "dropoff_location_id" 36',
      ),
    ])
  })

  it.each<[string, string, string, string]>([
    ['a misspelt key of ODCS', 'domain: mobility', 'domian: mobility', 'write "domain"'],
    ['a misspelt property of Weir', 'weir.shards', 'weir.shard', 'write weir.shards'],
    ['a number for a version', 'version: "1.0.0"', 'version: 1.0', "such as '1.0.0'"],
    ['another ODCS version', 'v3.1.0', 'v2.2.2', 'write "apiVersion: v3.1.0"'],
    ['a column of Weir’s own', '- name: extra', '- name: event_id', 'choose another name'],
    ['a reserved field id', 'value: 18', 'value: 3', 'from 10 to'],
    [
      'an unknown event time',
      'value: dropoff_datetime',
      'value: drop',
      'no field of this contract',
    ],
    ['an event time that is no time', 'value: dropoff_datetime', 'value: extra', 'is a decimal'],
    ['an unknown time zone', 'America/New_York', 'New York', 'IANA database'],
    ['a short retention for tier 1', 'value: 168', 'value: 24', 'write 168 or more'],
    ['a wide decimal', 'decimal(8, 2)', 'decimal(20, 2)', 'precision from 1 to 18'],
    ['bounds that exclude everything', 'maximum: 99', 'maximum: 0', 'no value lies between'],
    ['a text where a number belongs', 'maximum: 99', 'maximum: many', 'a bound is a number'],
    ['a bound that the type cannot hold', 'maximum: 99', 'maximum: 99.5', 'no value of this field'],
    ['a rule that is no rule', '<= dropoff_datetime', '<= dropoff_datetime + 1', 'not a row rule'],
    ['a rule about an unknown field', 'pickup_datetime <=', 'pickup <=', 'unknown field "pickup"'],
    ['a rule over two types', '<= dropoff_datetime', '<= vendor_id', 'cannot be compared'],
    ['an enumeration of another type', "['Y', 'N']", '[1, 2]', 'no value of a string'],
    ['an unquoted boolean in a list', '["Y", "N"]', '[true]', 'put it in quotes'],
    ['a schema of another name', '- name: trips', '- name: rides', 'write "name: trips"'],
    ['an owner that cannot be a tag', 'name: mobility-data', 'name: "{}"', 'becomes a tag'],
    ['a key twice', 'status: active', 'status: active\nstatus: draft', 'is there twice'],
    ['a second document', 'tags:', '---\ntags:', 'one contract'],
    ['a long latency', 'value: 2\n    unit: s', 'value: 10\n    unit: min', 'from 1 to 5'],
  ])('is refused for %s', (_case, before, after, advice) => {
    const from = trips.includes(before) ? before : before.replaceAll("'", '"')
    expect(problems(from, after).join('\n')).toContain(advice)
  })

  it('lists its problems in file order', () => {
    const text = trips.replace('maximum: 99', 'maximum: x').replace('domain:', 'domian:')
    const parsed = parse(text)
    const lines = parsed.ok ? [] : parsed.problems.map((problem) => problem.line)

    expect(lines.length).toBeGreaterThan(1)
    expect(lines).toEqual([...lines].sort((a, b) => a - b))
  })
})

describe('a hostile contract is refused within a second', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => i)
  const levels = 'abcdefgh'.split('')
  const cases: readonly [string, string][] = [
    [
      'an alias bomb',
      levels
        .map((name, i) => `${name}: &${name} [${`*${levels[i - 1]},`.repeat(i && 9)}x]`)
        .join('\n'),
    ],
    ['an alias of itself', 'schema: &a [*a]'],
    ['10,000 fields', `schema: [{name: x, properties: [${many.map((i) => `{name: f${i}}`)}]}]`],
    ['10,000 unknown keys', many.map((i) => `kez${i}: 1`).join('\n')],
    ['a map of one key', 'a: 1\n'.repeat(20_000)],
    ['half a million brackets', '['.repeat(500_000)],
    ['brackets below the bound', '['.repeat(49_000)],
    ['nested maps', '{a: '.repeat(20_000)],
    ['nested lists', '- '.repeat(45_000)],
    ['quotes', '"'.repeat(45_000)],
    ['anchors', '&a '.repeat(45_000)],
    ['tags', '! '.repeat(45_000)],
    ['more than a mebibyte', 'a'.repeat(2 << 20)],
    ['code in a field name', trips.replace('- name: extra', '- name: "require(1).exit()"')],
    ['SQL in a field name', trips.replace('- name: extra', '- name: "x); drop table trips"')],
    ['code in a rule', trips.replace('pickup_datetime <=', 'process.exit() <=')],
    ['a reference out of the file', trips.replace('status:', '$ref: https://x.example/\nstatus:')],
    ['a tag that makes objects', trips.replace('status: active', 'status: !!js/function "x"')],
    ['a key named __proto__', trips.replace('status:', '__proto__: {kind: x}\nstatus:')],
    ['NUL', '\0'],
    ['nothing', ''],
  ]

  it.each(cases)('%s', (_case, text) => {
    const start = process.cpuUsage()
    const parsed = parse(text)

    expect(parsed.ok).toBe(false)
    // Processor time: other tests run beside this one.
    expect(process.cpuUsage(start).user / 1000).toBeLessThan(2_000) // a second, on a machine that does nothing else
  })
})

describe('a contract as it should be', () => {
  it('compiles, whatever its line ends', () => {
    expect(parse(trips.replaceAll('\n', '\r\n'))).toEqual(parse(trips))
    expect(parse(trips).ok).toBe(true)
  })

  it('may use anchors to say a thing once', () => {
    const text = trips
      .replace(
        'logicalTypeOptions:\n          format',
        'logicalTypeOptions: &local\n          format',
      )
      .replace(/(partitionKeyPosition: 1\n {8}logicalTypeOptions:)\n( {10}.*\n){3}/, '$1 *local\n')

    expect(text).toContain('*local')
    expect(parse(text)).toEqual(parse(trips))
  })
})
