import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { DynamoDbBusySign } from '#lib/adapters/dynamodb/dynamodb-busy-sign.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { createTable } from '#test/support/tables.ts'

it('the sign of being busy is up while work goes on for long, and down before, after, and where work is short', async () => {
  const log = { info: () => {} }
  const options = { ...(await createTable()), clock: systemClock, log, renewedEveryMs: 50 }
  const sign = new DynamoDbBusySign({ ...options, worker: 'update-windows' })
  const other = new DynamoDbBusySign({ ...options, worker: 'another' })
  const seen: boolean[] = []

  expect(await sign.during(async () => 'short')).toBe('short')
  seen.push(await sign.isUp())
  await sign.during(async () => {
    while (!(await sign.isUp())) await sleep(20)
    seen.push(await sign.isUp(), await other.isUp())
  })
  seen.push(await sign.isUp())
  await expect(
    sign.during(async () => {
      await sleep(150)
      throw new Error('work failed')
    }),
  ).rejects.toThrow('work failed')
  seen.push(await sign.isUp())

  expect(seen).toEqual([false, true, false, false, false])
})
