import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import { type ContractSource, contractSource } from '#lib/domain/contract/contract-source.ts'
import { refuseBreakingChange } from '#lib/guardrails/contract-evolution.ts'
import { synth } from '#test/support/synth.ts'
import { productOf } from '#test/support/synth-product.ts'
import { root } from '#test/support/weir.ts'

const TRIPS = readFileSync('products/trips/contract.yaml', 'utf8')

function version(number: string, ...replacements: readonly (readonly [string, string])[]) {
  const text = replacements.reduce(
    (before, [from, to]) => before.replace(from, to),
    TRIPS.replace('version: "1.0.0"', `version: "${number}"`),
  )
  return contractSource(text, `${number}.yaml`) as ContractSource
}

const RENAMED = ['- name: fare_amount', '- name: fare'] as const
const WIDENED = ['maximum: 99', 'maximum: 999'] as const

describe('versions of one major', () => {
  it('may widen, and may break with a new major', () => {
    const sources = [version('1.0.0'), version('1.1.0', WIDENED), version('2.0.0', RENAMED)]

    expect(() => refuseBreakingChange(sources)).not.toThrow()
  })

  it('fail the synth on a break, with both lines', () => {
    const sources = [version('1.0.0'), version('1.1.0', RENAMED)]
    const failing = () => synth({ products: [{ ...productOf(), sources }] })

    expect(failing).toThrow(/^1\.1\.0\.yaml: a breaking change needs a new major version/)
    expect(failing).toThrow(/\n {2}- 1\.0\.0\.yaml:\d+: {7}- name: fare_amount\n {2}\+ 1\.1\.0/)
  })

  it('are held each against the one before it, not only against the newest', () => {
    const sources = [version('1.0.0'), version('1.1.0', WIDENED), version('1.2.0')]

    expect(() => refuseBreakingChange(sources)).toThrow('1.2.0.yaml: a breaking change')
  })
})

it('the products of this project keep to it', async () => {
  for (const { sources } of await loadProducts(root)) refuseBreakingChange(sources)
})
