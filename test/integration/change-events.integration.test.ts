import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { KinesisClient, ListStreamsCommand } from '@aws-sdk/client-kinesis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { CHANGES, CUSTOMERS, REFUSED_CHANGES, redelivered } from '#test/support/customer-changes.ts'
import { IcebergReaders } from '#test/support/iceberg-readers.ts'
import { ProjectCopy } from '#test/support/project-copy.ts'
import { sendChanges } from '../../docs/examples/send-changes.ts'
import { eventually } from '../local/temporary-cloud.ts'

const REGION = 'us-east-1'
const TOLD = CHANGES.filter((message) => message !== null)
const TOMBSTONE =
  '{"specversion":"1.0","id":"t","source":"/debezium","type":"bank.customer.changed","data":null}'
const JOINED = '2024-12-27 23:59:59.123456+00'

interface Rows {
  rows: (string | number | null)[][]
}

let project: ProjectCopy
const environment = { ...process.env }
const weir = <Answer>(...args: string[]) => project.weirJson<Answer>(...args, '--region', REGION)
const query = async (sql: string) => (await weir<Rows>('query', sql)).rows

beforeAll(async () => {
  project = await ProjectCopy.create()
  const products = join(project.root, 'products')
  await rm(join(products, 'trips'), { recursive: true })
  await cp(CUSTOMERS, join(products, 'customers'), { recursive: true })
  await project.weirJson('up', '--auth', '--regions', REGION)
  process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${project.environment.WEIR_PORT}`

  await weir('send', 'customers', join(CUSTOMERS, 'changes.ndjson'))
  const refused = join(project.root, 'refused.ndjson')
  await writeFile(refused, [...REFUSED_CHANGES, TOMBSTONE].join('\n'))
  await weir('send', 'customers', refused)
  // A connector that was started again tells what it told before; this time a program listens to it.
  const again = TOLD.map((message) => ({ value: redelivered(message) }))
  await sendChanges(await streamOf(), Readable.from(again))
  await weir('wait', 'customers')
})
afterAll(async () => {
  process.env = environment
  await project?.remove()
})

async function streamOf() {
  const kinesis = new KinesisClient(clientConfig({ region: REGION }))
  const { StreamNames: [streamName] = [] } = await kinesis.send(new ListStreamsCommand({}))
  return { streamName: streamName!, region: REGION }
}

describe('changes of a table as Debezium tells them', () => {
  it('are a row each, once, as every engine reads them', async () => {
    const readers = await IcebergReaders.start()
    try {
      const { pyiceberg, duckdb } = await readers.rows({
        database: 'weir',
        name: 'customers',
        columns: ['source_position', 'id', 'op', 'name', 'status', 'credit', 'joined_at'],
      })

      expect(pyiceberg).toEqual([
        ['00823493504', '1001', 'r', 'Ada Park', 'active', '100.50', JOINED],
        ['00823493504', '1002', 'r', 'Béla Nagy', 'active', '12345678.90', JOINED],
        ['00823493504', '1400987366369402881', 'r', 'Chen Wei', 'active', null, null],
        ['00823497400', '1004', 'c', 'Dora Lind', 'active', '0.00', JOINED],
        ['00823497400', '1005', 'c', 'Zoë Müller', 'active', '7.00', JOINED],
        ['00823497504', '1001', 'u', 'Ada Parc', 'active', '100.50', JOINED],
        ['00823497600', '1001', 'u', 'Ada Park', 'suspended', '100.50', JOINED],
        ['00823497704', '1002', 'u', 'Béla Nagy', 'active', '250.00', JOINED],
        ['00823497864', '1002', 'u', 'Béla Nagy', 'active', '275.25', JOINED],
        ['00823498004', '1004', 'd', null, null, null, null],
        ['00823498204', '1005', 'd', 'Zoë Müller', 'active', '7.00', JOINED],
        ['00823498204', '1006', 'c', 'Zoë Müller', 'active', '7.00', JOINED],
        ['00823498404', '1400987366369402881', 'd', 'Chen Wei', 'active', null, null],
      ])
      expect(duckdb).toEqual(pyiceberg)
    } finally {
      readers.stop()
    }
  })

  it('give the rows as they stand, whatever order they came in', async () => {
    expect(
      await query(
        [
          'select id, name, status, credit from (select *, row_number()',
          'over (partition by id order by source_position desc, op) as newest from customers)',
          "where newest = 1 and op <> 'd' order by id",
        ].join(' '),
      ),
    ).toEqual([
      [1001, 'Ada Park', 'suspended', '100.50'],
      [1002, 'Béla Nagy', 'active', '275.25'],
      [1006, 'Zoë Müller', 'active', '7.00'],
    ])
  })

  it('are merged into the rows as they stand, with the sweep of each minute', async () => {
    const existing = 'select id, name, status, credit from customers_current order by id'
    const rows = await eventually(async () => {
      const { exitCode, stdout } = await project.weir(
        'query',
        existing,
        '--region',
        REGION,
        '--json',
      )
      const answered = exitCode === 0 ? (JSON.parse(stdout) as Rows).rows : []
      // The last row that was created: all changes are merged.
      return answered.some(([id]) => id === 1006) ? answered : undefined
    }, 150_000)

    expect(rows).toEqual([
      [1001, 'Ada Park', 'suspended', '100.50'],
      [1002, 'Béla Nagy', 'active', '275.25'],
      [1006, 'Zoë Müller', 'active', '7.00'],
    ])
    expect(
      await query("select id, name, credit from customers_latest where op = 'd' order by id"),
    ).toEqual([
      [1004, null, null],
      [1005, null, null],
      [1400987366369402881n.toString(), null, null],
    ])
    expect(await weir('table', 'list', 'customers')).toMatchObject({
      tables: [{ kind: 'curated' }, { table: 'customers_latest', kind: 'latest', rows: 6 }],
    })
  }, 200_000)

  it('say when the source committed them', async () => {
    expect(
      await query('select cast(to_unixtime(changed_at) as bigint) from customers where id = 1006'),
    ).toEqual([[Date.UTC(2024, 11, 28, 0, 0, 13) / 1_000]])
  })

  it('are in quarantine if they break the contract, with the reason and the place', async () => {
    expect(await query('select reason, path from customers_quarantine order by 1')).toEqual([
      ['after.credit.belowMinimum', 'data.after.credit'],
      ['after.name.missing', 'data.after.name'],
      ['after.status.notAllowed', 'data.after.status'],
      ['change.op', 'data.op'],
      ['change.op', 'data.op'],
      ['change.position', 'data.source'],
      ['event.data', 'data'],
    ])
  })

  it('balance: what was told again is a duplicate', async () => {
    expect(await weir('reconcile', 'customers')).toMatchObject({
      received: 2 * TOLD.length + REFUSED_CHANGES.length + 1,
      admitted: TOLD.length,
      duplicate: TOLD.length,
      rejected: REFUSED_CHANGES.length + 1,
      balanced: true,
    })
  })
})
