import { expect, it } from 'vitest'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { LONE_SHARDS } from '#test/support/lone-shards.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { record, tripText } from '#test/support/trip-events.ts'

it('locks raw and nothing else, where raw is to be locked', async () => {
  const cell = new MemoryCell(await tripsContract())
  const { contracts, journal, objects, layout } = cell
  const archive = new Archive({
    contracts,
    journal,
    objects,
    layout,
    lineage: LONE_SHARDS,
    identify: keyedIdentity(new Uint8Array(32)),
    undecodableKeyId: 'undecodable-key',
    rawLockDays: 30,
  })

  await archive.take('A', [record(1, tripText({ id: 'a' })), record(2, Uint8Array.of(0xff))])

  const locks: Record<string, number | undefined> = {}
  for await (const { uri } of objects.list('s3://bucket/')) {
    locks[uri.split('/')[3]!] = objects.optionsOf(uri)?.lockDays
  }
  expect(locks).toEqual({
    batches: undefined,
    quarantine: undefined,
    raw: 30,
    table: undefined,
    undecodable: undefined,
  })
})
