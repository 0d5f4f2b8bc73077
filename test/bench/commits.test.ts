import { beforeAll, describe, expect, it } from 'vitest'
import { type Growth, measureGrowth } from '../../bench/commits.ts'

describe('a table that is committed to for days', () => {
  let young: Growth
  let old: Growth
  beforeAll(async () => {
    await measureGrowth(200)
    young = await measureGrowth(300)
    old = await measureGrowth(1500)
  }, 120_000)

  it('has metadata, snapshots and manifests of a bounded size, and every file', () => {
    expect(old.isComplete).toBe(true)
    expect(old.last.snapshots).toBe(61)
    expect(old.last.manifests).toBeLessThanOrEqual(101)
    expect(old.last.metadataBytes).toBeLessThan(1.05 * young.last.metadataBytes)
    expect(old.last.metadataBytes).toBeLessThan(100_000)
  })

  it('takes each commit as fast as in its first minutes', () => {
    expect(old.last.msPerCommit / old.first.msPerCommit).toBeLessThan(2)
  })
})
