import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EventRedactor } from '#lib/domain/privacy/event-redactor.ts'

const FIELDS = ['at', 'rider_id', 'fare', 'name', 'zone', 'tags']
const SEALED = ['rider_id', 'name']
const ATTRIBUTES = ['specversion', 'id', 'source', 'type', 'time', 'subject', 'odd', 'dataschema']

const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '"', '\\', '}', '{"a":1}', ',', '\u2028', 'null'),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant(null)), { maxKeys: 3 }),
)
const space = fc.constantFrom('', '', '', ' ', '\n', '\t \r')
/** A name, plain or with one of its letters as an escape. */
const name = (names: readonly string[]) =>
  fc.tuple(fc.constantFrom(...names), fc.boolean()).map(([text, isEscaped]) => {
    const escaped = `\\u${text.charCodeAt(0).toString(16).padStart(4, '0')}`
    return isEscaped ? `"${escaped}${text.slice(1)}"` : JSON.stringify(text)
  })
const object = (names: readonly string[]) =>
  fc
    .array(
      fc.tuple(
        fc.oneof(
          { weight: 6, arbitrary: name(names) },
          fc.string().map((text) => JSON.stringify(text)),
        ),
        value,
        space,
        space,
      ),
      { maxLength: 8 },
    )
    .map((members) =>
      members.map(
        ([key, one, before, behind]) =>
          `${before}${key}${behind}:${before}${JSON.stringify(one)}${behind}`,
      ),
    )
/** With any members before and behind `data`, doubled ones too. */
const event = fc
  .tuple(object(ATTRIBUTES), object(FIELDS), object(ATTRIBUTES), space)
  .map(
    ([before, data, behind, around]) =>
      `{${around}${[...before, `"data":${around}{${data.join(',')}${around}}`, ...behind].join(',')}}`,
  )
  .filter((text) => !Array.isArray(JSON.parse(text).data))

const CLEAR = new Set(['specversion', 'id', 'source', 'type', 'time', 'dataschema', 'data'])
type Members = Record<string, unknown>

function only(members: Members, keep: (name: string) => boolean): Members {
  return Object.fromEntries(Object.entries(members).filter(([key]) => keep(key)))
}

it('parts an event as one who parses it would, whatever its members, spaces and escapes', () => {
  fc.assert(
    fc.property(event, fc.boolean(), (text, hasToken) => {
      const input = Buffer.from(text)
      const output = Buffer.alloc(3 * input.length + 128)
      const redactor = new EventRedactor(FIELDS, SEALED)
      redactor.redact(input, 0, output, 5, hasToken ? Buffer.from('"TOKEN"') : undefined)

      const clear: Members = JSON.parse(output.toString('utf8', 5, redactor.at))
      const sent: Members = JSON.parse(text)
      const data = sent.data as Members
      const expected = only(data, (key) => FIELDS.includes(key) && key !== 'name')
      if ('rider_id' in expected) {
        if (hasToken) expected.rider_id = 'TOKEN'
        else delete expected.rider_id
      }
      expect(clear.data).toEqual(expected)
      expect({ ...clear, data: undefined }).toEqual({
        ...only(sent, (key) => CLEAR.has(key)),
        data: undefined,
      })

      for (const [i, field] of SEALED.entries()) {
        const start = redactor.valueStarts[i]!
        const found =
          start < 0 ? undefined : JSON.parse(input.toString('utf8', start, redactor.valueEnds[i]))
        expect(found).toEqual(data[field])
      }
      const members = (places: readonly number[]) => {
        const texts: string[] = []
        for (let i = 0; i < places.length; i += 2)
          texts.push(input.toString('utf8', places[i], places[i + 1]))
        return JSON.parse(`{${texts.join(',')}}`)
      }
      expect(members(redactor.unknownData)).toEqual(only(data, (key) => !FIELDS.includes(key)))
      expect(members(redactor.unknownAttributes)).toEqual(only(sent, (key) => !CLEAR.has(key)))
    }),
    { numRuns: 2_000 },
  )
})
