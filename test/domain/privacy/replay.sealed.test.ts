import { expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { quarantinedBatches, revalidate } from '#lib/domain/ingest/replay-candidates.ts'
import { openRejected } from '#lib/domain/privacy/open-rejected.ts'
import { RIDES, rideText, SealedCell } from '#test/support/sealed-product.ts'

/** The same contract, which takes fares below zero. */
const MENDED = versionsOf([
  {
    ...RIDES,
    fields: RIDES.fields.map((field) =>
      field.name === 'fare' ? { ...field, constraints: {} } : field,
    ),
  },
])

async function rejectedRows(cell: SealedCell, isOpened: boolean) {
  const { unknownWrapper } = cell.keys
  const open = (...[text, place]: Parameters<Parameters<typeof quarantinedBatches>[3] & {}>) =>
    openRejected(unknownWrapper, 'cell', text, place)
  const batches = quarantinedBatches(cell.journal, cell.objects, {}, isOpened ? open : undefined)
  const rows = []
  for await (const batch of batches) rows.push(...batch.rows)
  return rows
}

it('a rejected event that was sealed is sent again as it came, once a contract takes it', async () => {
  const cell = new SealedCell()
  const negative = rideText('negative', { fare: -1 })
  await cell.send(rideText('fine'), negative, rideText('late', { fare: 'x' }), 'no json')

  const { replayable, left } = revalidate(MENDED, await rejectedRows(cell, true))

  expect(replayable.map(({ event }) => event)).toEqual([
    { id: 'negative', source: '/rides', partitionKey: 'north', text: negative },
  ])
  expect([...left]).toEqual([
    ['undecodable.notJson', 1],
    ['fare.type', 1],
  ])
})

it('nothing is sent of what nobody opens', async () => {
  const cell = new SealedCell()
  await cell.send(rideText('negative', { fare: -1 }))

  const { replayable, left } = revalidate(MENDED, await rejectedRows(cell, false))

  expect(replayable).toEqual([])
  expect([...left]).toEqual([['event.notJson', 1]])
})
