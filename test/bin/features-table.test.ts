import { expect, it } from 'vitest'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import { featuresTable } from '../../bin/commands/features.ts'

it('shows values with all their digits, lists as JSON, and nothing where there is none', () => {
  const answer = parseExact(
    '{"view":"v","key":"236","window":null,"values":{"sum":12345678901234567.50,"none":null,' +
      '"quartiles":[1.5,2],"usual":[{"value":"a","count":3,"error":0}],"flag":"N"},' +
      '"computedAt":null,"stale":true,"source":"none"}',
  )

  const [head, row] = featuresTable([answer as FeatureValues]).split('\n')

  expect(head!.trim().split(/ {2,}/)).toContain('quartiles')
  expect(row!.trim().split(/ {2,}/)).toEqual([
    '236',
    'no history',
    '12345678901234567.50',
    '[1.5,2]',
    '[{"value":"a","count":3,"error":0}]',
    'N',
    'yes',
    'none',
  ])
})
