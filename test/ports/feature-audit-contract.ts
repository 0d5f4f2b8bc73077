import { beforeEach, expect, it } from 'vitest'
import type { FeatureAudit, FeatureRecord } from '#lib/domain/features/publish/feature-audit.ts'

/** What every store of records promises; run on each adapter. `create` gives an empty one. */
export function featureAuditContract(create: () => Promise<FeatureAudit>): void {
  let audit: FeatureAudit
  beforeEach(async () => {
    audit = await create()
  })

  const record = (changes: Partial<FeatureRecord> = {}): FeatureRecord => ({
    kind: 'override',
    view: 'v',
    run: 'ü "1"',
    atMs: 1_700_000_000_000,
    by: 'ops',
    reason: 'why not',
    checks: [{ name: 'rows', ok: false, detail: '1 row' }],
    ...changes,
  })

  it('gives records of a view back, newest first, as many as are wanted', async () => {
    const later = record({ kind: 'published', atMs: 1_700_000_000_001 })
    await audit.record(record())
    await audit.record(later)
    await audit.record(record({ view: 'w' }))

    expect(await audit.list('v', 9)).toEqual([later, record()])
    expect(await audit.list('v', 1)).toEqual([later])
    expect(await audit.list('x', 9)).toEqual([])
  })

  it('a repeat is the same record, and nothing is written over', async () => {
    await audit.record(record())
    await audit.record(record({ reason: 'another' }))

    expect(await audit.list('v', 9)).toEqual([record()])
  })
}
