import { expect, it } from 'vitest'
import { makeHandler } from '#functions/privacy/unseal/handler.ts'
import { RowRate } from '#lib/domain/privacy/row-rate.ts'
import { rideText, SealedCell, SHARD } from '#test/support/sealed-product.ts'

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:unseal'

async function handlerOf(cell: SealedCell, rowsPerMinute?: number) {
  const logged: unknown[] = []
  const { contracts, journal, objects, keys, clock } = cell
  const log = {
    info: (message: string, facts?: object) => logged.push({ message, ...facts }),
    error: (message: string, facts?: object) => logged.push({ message, ...facts }),
  }
  const handler = makeHandler({
    contract: { product: 'tests', purposes: ['fraud', 'support'] },
    contracts,
    journal,
    objects,
    table: keys.table,
    subjects: keys.subjects(),
    rate: new RowRate(clock, rowsPerMinute),
    log,
  })
  const call = (event: unknown, alias = ':support') =>
    handler(event, { invokedFunctionArn: `${ARN}${alias}`, awsRequestId: 'request' })
  return { call, logged }
}

const row = { shard: SHARD, sequence: '0011', index: 0, token: 'nobody' }

it('takes the purpose from the name that was called, and opens for none that the contract does not state', async () => {
  const { call, logged } = await handlerOf(new SealedCell())

  await expect(call({ rows: [] }, '')).rejects.toThrow(/opened for fraud, support, not for "no pur/)
  await expect(call({ rows: [] }, ':marketing')).rejects.toThrow(/not for "marketing"/)
  await expect(call({ rows: [], purpose: 'support' }, ':$LATEST')).rejects.toThrow(/not for/)
  expect(logged).toEqual([])
  expect(await call({ rows: [row] }, ':fraud')).toEqual({ rows: [null], subjects: 0 })
})

it('logs each call with its purpose and how many people it was about, and no value', async () => {
  const cell = new SealedCell()
  await cell.send(rideText('a'))
  const { call, logged } = await handlerOf(cell)
  const { sequence, index } = { sequence: (await cell.journal.head(SHARD))!.first, index: 0 }
  const lookup = cell.keys.subjects().lookupOf('rider_id', 'rider-planted-1')
  const [state] = await cell.keys.table.subjects([lookup])
  const { token } = state as { token: string }

  const answer = await call({ rows: [{ shard: SHARD, sequence, index, token }, row] })

  expect(answer.rows[0]).toMatchObject({ rider_email: 'planted@example.com' })
  expect(logged).toEqual([
    { message: 'unsealing asked for', purpose: 'support', requestId: 'request', rows: 2 },
    { message: 'unsealed', purpose: 'support', requestId: 'request', rows: 2, subjects: 1 },
  ])
})

it('refuses what is no request in one line', async () => {
  const { call } = await handlerOf(new SealedCell())

  await expect(call({ rows: [{ ...row, sequence: 'x' }] })).rejects.toThrow(/^rows\.0\.sequence: /)
  await expect(call({})).rejects.toThrow(/^rows: /)
})

it('opens so many rows a minute, and goes on once time has passed', async () => {
  const cell = new SealedCell()
  const { call } = await handlerOf(cell, 10)
  const rows = (count: number) => ({ rows: Array(count).fill(row) })

  await call(rows(8))
  await expect(call(rows(3))).rejects.toThrow(/at most 10 rows a minute/)
  cell.clock.ms += 30_000
  await call(rows(7))
  await expect(call(rows(1))).rejects.toThrow(/wait a minute/)
})
