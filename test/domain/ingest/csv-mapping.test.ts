import { describe, expect, it } from 'vitest'
import { type CsvSource, cloudEventText, mapCsvRow } from '#lib/domain/ingest/csv-mapping.ts'

const source: CsvSource = {
  source: '/s',
  type: 't',
  columns: [
    { column: 'Amount', field: 'amount', kind: 'number' },
    { column: 'Name', field: 'name', kind: 'text' },
    { column: 'Open', field: 'open', kind: 'boolean' },
  ],
}
const header = ['Amount', 'Name', 'Open']

function dataOf(...cells: string[]): string {
  const row = mapCsvRow(source, header, cells)
  return row.ok ? row.events[0]!.data : row.problem
}

describe('a row of a CSV', () => {
  it('keeps the digits of its numbers', () => {
    expect(dataOf('12.340', 'a', 'true')).toBe('{"amount":12.340,"name":"a","open":true}')
  })

  it('leaves out what is empty', () => {
    expect(dataOf('', '', '')).toBe('{}')
  })

  it.each(['.5', '1,5', '01', '+1', 'NaN', '0x10', ' 1', '1.', '--1', '1e'])(
    'carries %j as text, for the contract to quarantine',
    (cell) => {
      expect(dataOf(cell, 'a', 'yes')).toBe(
        `{"amount":${JSON.stringify(cell)},"name":"a","open":"yes"}`,
      )
    },
  )

  it('escapes texts', () => {
    expect(JSON.parse(dataOf('1', '"},\n\u0000\\', 'true'))).toMatchObject({
      name: '"},\n\u0000\\',
    })
  })

  it('has an id made from its cells: the same row is the same event', () => {
    const id = (...cells: string[]) => {
      const row = mapCsvRow(source, header, cells)
      return row.ok ? row.events[0]!.id : row.problem
    }

    expect(id('1', 'a', 'true')).toMatch(/^[0-9a-f]{32}$/)
    expect(id('1', 'a', 'true')).toBe(id('1', 'a', 'true'))
    expect(id('1', 'ab', '')).not.toBe(id('1', 'a', 'b'))
    expect(id('1.0', 'a', 'true')).not.toBe(id('1.00', 'a', 'true'))
  })

  it('is the same event in whatever order the columns come', () => {
    expect(mapCsvRow(source, ['Open', 'Amount', 'Name'], ['true', '1', 'a'])).toEqual(
      mapCsvRow(source, header, ['1', 'a', 'true']),
    )
  })

  it.each([
    [['Amount', 'Nam', 'Open'], 'unknown columns Nam; missing columns Name'],
    [['Amount', 'Name'], 'missing columns Open'],
    [['Amount', 'Name', 'Open', 'Open'], 'doubled columns Open'],
  ])('is refused under the header %j', (wrong, problem) => {
    expect(mapCsvRow(source, wrong, ['1', 'a', 'true'])).toEqual({
      ok: false,
      problem: `the CSV header does not fit: ${problem}`,
    })
  })

  it('is refused if it has another number of cells', () => {
    expect(dataOf('1', 'a')).toBe('the row has 2 cells, the header 3')
  })

  it('is a CloudEvent with the data as it is', () => {
    const row = mapCsvRow(source, header, ['1.10', 'a', 'true'])
    const text = row.ok ? cloudEventText(row.events[0]!) : ''

    expect(text).toContain('"data":{"amount":1.10,"name":"a","open":true}}')
    expect(JSON.parse(text)).toMatchObject({
      specversion: '1.0',
      source: '/s',
      type: 't',
      datacontenttype: 'application/json',
    })
  })
})
