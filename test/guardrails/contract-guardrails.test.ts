import { describe, expect, it } from 'vitest'
import { refusePersonalFields } from '#lib/guardrails/personal-fields.ts'
import { checkLock, checkRetention } from '#lib/guardrails/retention.ts'
import { synth } from '#test/support/synth.ts'
import { fieldOf, productOf } from '#test/support/synth-product.ts'

const personal = [fieldOf({ name: 'sensor' }), fieldOf({ name: 'owner_email', personal: true })]

describe('a personal field', () => {
  it('fails the synth with one line that names file, field and what to do', () => {
    const failing = () => synth({ products: [productOf({ fields: personal })] })

    expect(failing).toThrow(
      /^products\/sensor_readings\/contract\.yaml: field "owner_email" of product "sensor_readings" would be stored unsealed.*: take it out of the contract.*$/,
    )
  })

  it('is not the only one named', () => {
    const fields = [...personal, fieldOf({ name: 'owner_phone', personal: true })]

    expect(() => refusePersonalFields(productOf({ fields }).contract, 'c.yaml')).toThrow(
      /fields "owner_email", "owner_phone"/,
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
