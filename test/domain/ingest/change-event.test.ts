import { describe, expect, it } from 'vitest'
import { changeEvent } from '#lib/domain/ingest/change-event.ts'
import { eventSlot } from '#lib/domain/ingest/producer-slot.ts'
import {
  CHANGES,
  customersContract,
  REFUSED_CHANGES,
  redelivered,
} from '#test/support/customer-changes.ts'

const TERMS = customersContract().changes!
const told = CHANGES.filter((message) => message !== null)
const [first, second] = told as [string, string]

const nameOf = (message: string, terms = TERMS) => {
  const { source, id } = changeEvent(message, terms)!
  return `${source} ${id}`
}

describe('a change that Debezium tells', () => {
  it('is named by its table, what happened, its position and the key of the row', () => {
    expect(changeEvent(first, TERMS)).toEqual({
      source: '/debezium/postgresql/bank/core/public/customers',
      id: 'r:00823493504:["1001"]',
      partitionKey: 1001,
      dataText: first,
    })
  })

  it('has the same name when it is delivered again, later and with its schema', () => {
    for (const message of told) {
      expect(redelivered(message)).not.toContain(message)
      expect(nameOf(redelivered(message))).toBe(nameOf(message))
    }
  })

  it('has another name than every other change', () => {
    // Among them rows of one snapshot and of one statement, which share a position, and a row that got another key.
    expect(new Set(told.map((message) => nameOf(message))).size).toBe(told.length)
  })

  it.each([
    ['position', '"lsn":23493504', '"lsn":23493505'],
    ['operation', '"op":"r"', '"op":"c"'],
    ['key', '"id":1001', '"id":1003'],
    ['table', '"table":"customers"', '"table":"clients"'],
    ['schema', '"schema":"public"', '"schema":"private"'],
    ['server', '"name":"bank"', '"name":"bench"'],
  ])('has another name with another %s', (_, from, to) => {
    expect(nameOf(first.replace(from, to))).not.toBe(nameOf(first))
  })

  it('keeps numbers apart that a double cannot tell from each other', () => {
    const withKey = (id: string) => first.replace('"id":1001', `"id":${id}`)
    const withLsn = (lsn: string) => first.replace('"lsn":23493504', `"lsn":${lsn}`)

    expect(nameOf(withKey('1400987366369402881'))).not.toBe(nameOf(withKey('1400987366369402882')))
    expect(nameOf(withLsn('9007199254740992'))).not.toBe(nameOf(withLsn('9007199254740993')))
  })

  it('goes where all changes of its row go', () => {
    const slotOf = (message: string) => {
      const { source, id, partitionKey } = changeEvent(message, TERMS)!
      return eventSlot({ source, id, partitionKey: String(partitionKey) }, 1)
    }

    expect(slotOf(first)).toBe(slotOf(redelivered(first)))
    expect(slotOf(first)).not.toBe(slotOf(second))
    const deleted = told.find((message) => message.includes('"op":"d"'))!
    expect(changeEvent(deleted, TERMS)!.partitionKey).toBe(1004)
  })

  it('may keep the order of more than one row', () => {
    const naming = { key: ['id'], position: ['lsn'], partitionKey: 'status' }

    expect(changeEvent(first, naming)!.partitionKey).toBe('active')
  })

  it('has a name that is no longer than an identity may be', () => {
    const long = 'x'.repeat(5_000)
    const naming = { ...TERMS, key: ['name'] }
    const message = (name: string) => first.replace('Ada Park', name)

    expect(nameOf(message(`${long}1`), naming).length).toBeLessThan(1_024)
    expect(nameOf(message(`${long}1`), naming)).not.toBe(nameOf(message(`${long}2`), naming))
  })
})

describe('a message that is no change of a row', () => {
  it('is nothing if it is a tombstone', () => {
    for (const message of [null, undefined, '', 'null', ' null ']) {
      expect(changeEvent(message, TERMS)).toBeUndefined()
    }
  })

  it('is named by its bytes, so that the archive can say what is wrong with it', () => {
    const [truncation, , , , withoutPosition, heartbeat] = REFUSED_CHANGES as string[]
    for (const message of [truncation!, withoutPosition!, heartbeat!, '[1]', '7']) {
      const event = changeEvent(message, TERMS)!

      expect(event).toMatchObject({ source: '/debezium', dataText: message })
      expect(event.id).toMatch(/^[0-9a-f]{32}$/)
      expect(changeEvent(message, TERMS)).toEqual(event)
    }
  })

  it('is refused at once if it is not JSON, which would take its neighbours with it', () => {
    expect(() => changeEvent('{"op":', TERMS)).toThrow('a change is not JSON: {"op":')
    expect(() => changeEvent('{"op":', TERMS)).toThrow(
      expect.objectContaining({ code: 'producer.change' }),
    )
  })
})
