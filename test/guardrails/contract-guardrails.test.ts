import { describe, expect, it } from 'vitest'
import { checkPersonalFields } from '#lib/guardrails/personal-fields.ts'
import { checkLock, checkRetention } from '#lib/guardrails/retention.ts'
import { synth } from '#test/support/synth.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

const sensor = fieldOf({ name: 'sensor' })
const email = fieldOf({ name: 'owner_email', personal: true })

describe('a personal field', () => {
  const failing = (given: Parameters<typeof productOf>[0]) => () =>
    checkPersonalFields(productOf(given).contract, 'c.yaml')

  it('of nobody fails the synth with one line that names file, field and what to do', () => {
    const synthesizing = () => synth({ products: [productOf({ fields: [sensor, email] })] })

    expect(synthesizing).toThrow(
      /^products\/sensor_readings\/contract\.yaml: personal field "owner_email" of product "sensor_readings" would be stored unsealed.*: name the field .* as weir\.subject$/,
    )
  })

  it('is not the only one named', () => {
    const fields = [sensor, email, fieldOf({ name: 'owner_phone', personal: true })]

    expect(failing({ fields })).toThrow(/fields "owner_email", "owner_phone"/)
  })

  it('is taken with a subject, and must not be what the rest is stored by', () => {
    const owned = { fields: [sensor, email], subject: 'owner_email' }

    expect(failing(owned)).not.toThrow()
    expect(failing({ ...owned, eventTime: 'owner_email' })).toThrow(/needed to store the rest/)
    const partitioning = [{ field: 'owner_email', transform: 'identity' as const }]
    expect(failing({ ...owned, partitioning })).toThrow(/"owner_email".*needed to store/)
  })

  it('is not captured from another store', () => {
    const changes = { key: ['sensor'], required: [], position: ['lsn'] } as never

    expect(failing({ fields: [sensor, email], subject: 'owner_email', changes })).toThrow(
      /changes of another store, which are not sealed yet/,
    )
  })
})

describe('residency', () => {
  const failing =
    (...residency: string[]) =>
    () =>
      synth({ products: [productOf({ residency })] })

  it('refuses a cell where the data may not lie', () => {
    expect(failing('eu')).toThrow(
      /may lie in eu, not in cell "us-east-1" \(us-east-1\): deploy the product without that cell/,
    )
    expect(failing('us-east-1', 'eu-west-2')).toThrow(/not in cell "eu-west-1"/)
  })

  it('takes a region by its name or by its first part', () => {
    expect(failing('eu', 'us-east')).not.toThrow()
    expect(failing('eu-west-1', 'us-east-1')).not.toThrow()
  })
})

describe('a lock on raw', () => {
  const { contract } = productOf()
  const locked = { ...contract, retention: { ...contract.retention, rawLockDays: 30 } }
  const newer = { version: '1.1.0' }

  it('is in all versions of a contract or in none: a bucket cannot be given one later', () => {
    expect(() => checkLock([contract, { ...locked, ...newer }], 'c.yaml')).toThrow(
      /^c\.yaml: version 1\.0\.0 .* has not weir\.rawLockDays and 1\.1\.0 has: .* in all versions or in none$/,
    )
    expect(() => checkLock([locked, { ...contract, ...newer }], 'c.yaml')).toThrow(
      /1\.1\.0 has not/,
    )
    expect(() => checkLock([contract, { ...contract, ...newer }], 'c.yaml')).not.toThrow()
    expect(() => checkLock([locked, { ...locked, ...newer }], 'c.yaml')).not.toThrow()
  })
})

describe('retention', () => {
  const check = (given: Parameters<typeof productOf>[0]) => () =>
    checkRetention(productOf(given).contract, 'c.yaml')
  const stream = (retentionHours: number) => ({ shards: 1, retentionHours, freshnessSeconds: 1 })
  const retention = (rawDays: number) => ({ rawDays, quarantineDays: 1, undecodableDays: 1 })

  it('of a tier 1 stream is a week at least', () => {
    expect(check({ tier: 1, stream: stream(167) })).toThrow(/167 hours: set at least 168/)
    expect(check({ tier: 1, stream: stream(168) })).not.toThrow()
    expect(check({ tier: 2, stream: stream(24) })).not.toThrow()
  })

  it('of raw outlives the stream and the dedup horizon together', () => {
    const given = { stream: stream(168), dedupHorizonMinutes: 24 * 60 }

    expect(check({ ...given, retention: retention(8) })).toThrow(
      /raw .* kept for 8 days.*192 hours/,
    )
    expect(check({ ...given, retention: retention(9) })).not.toThrow()
  })
})
