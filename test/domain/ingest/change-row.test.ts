import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileContract } from '#lib/domain/contract/compile-contract.ts'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { partitionValueOf } from '#lib/domain/ingest/change-row.ts'
import { decode } from '#lib/domain/ingest/decode.ts'
import { createDecoder } from '#lib/domain/ingest/decoder/create-decoder.ts'
import { rejectionPath } from '#lib/domain/ingest/rejection-path.ts'
import { type Column, isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { contractDocument, field } from '#test/domain/contract/contract-document.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { record } from '#test/support/trip-events.ts'

const NOW = 1_767_225_600_123

/** Accounts: a key, a required owner, an optional balance that is not below -100. */
const accounts = compileContract(
  contractDocument([], {
    top: {
      customProperties: [
        ['weir.eventType', 'bank.account.changed'],
        ['weir.eventTime', 'changed_at'],
        ['weir.partitionKey', 'account'],
        ['weir.costCenter', 'tests'],
        ['weir.cdc', 'debezium'],
        ['weir.cdcPosition', 'file, pos'],
      ].map(([property, value]) => ({ property: property!, value: value! })),
      schema: [
        {
          name: 'tests',
          properties: [
            field('account', 'integer', 10, { required: true, primaryKey: true }),
            field('owner', 'string', 11, { required: true }),
            field('balance', 'number', 12, {
              physicalType: 'decimal(10, 2)',
              logicalTypeOptions: { minimum: -100 },
            }),
          ],
          quality: [
            {
              name: 'no_negative_account',
              type: 'custom',
              engine: 'weir',
              implementation: 'account >= 1',
            },
          ],
        },
      ],
    },
  }),
)

const source = { connector: 'mysql', file: 'mysql-bin.000003', pos: 154, ts_ms: NOW }
const row = { account: 7, owner: 'Ada', balance: 12.5 }

function change(data: object): string {
  const envelope = { specversion: '1.0', id: 'e', source: '/db', type: 'bank.account.changed' }
  return JSON.stringify({ ...envelope, data: { source, ts_ms: NOW + 5, ...data } })
}

function decoded(...changes: readonly object[]) {
  const events = changes.map((data, index) => {
    const { sequence, arrivalMicros } = record(1, '')
    return { kind: 'event' as const, sequence, index, arrivalMicros, text: change(data) }
  })
  return decode(accounts, events, { shard: 's' })
}

/** The row's values, as people would write them. */
function rowsOf({ batch }: ReturnType<typeof decode>) {
  const names = ['op', 'source_position', 'changed_at', 'account', 'owner', 'balance']
  return Array.from({ length: batch.rows }, (_, at) =>
    names.map((name) => plainValue(batch.columns.get(name)!, at)),
  )
}

function plainValue(column: Column, at: number) {
  if (isNull(column, at)) return null
  if (column.kind === 'utf8') return utf8At(column, at)
  if (column.kind === 'int32' || column.kind === 'int64') return Number(column.values[at])
  throw new Error(`unexpected ${column.kind}`)
}

const reasonsOf = (...changes: readonly object[]) =>
  decoded(...changes).rejected.map((one) => one.reason)

describe('a table of changes', () => {
  it('has the columns of the row, nullable but for its key, and those of the change', () => {
    const columns = tableSchemaOf(accounts).fields.slice(6)

    expect(columns.map(({ id, name, required, type }) => [id, name, required, type])).toEqual([
      [10, 'account', true, expect.any(String)],
      [11, 'owner', false, 'string'],
      [12, 'balance', false, 'decimal(10, 2)'],
      [7, 'op', true, 'string'],
      [8, 'source_position', true, 'string'],
      [9, 'changed_at', true, 'timestamptz'],
    ])
  })

  it('holds the row after a change, and of a deleted one what was known', () => {
    const outcome = decoded(
      { op: 'c', before: null, after: row },
      { op: 'u', before: row, after: { ...row, balance: -3 } },
      { op: 'u', before: null, after: { ...row, balance: null } },
      { op: 'd', before: row, after: null },
      { op: 'd', before: { account: 7 } },
      { op: 'r', after: row },
    )

    const at = NOW * 1000
    const position = 'mysql-bin.000003/003154'
    expect(outcome.rejected).toEqual([])
    expect(rowsOf(outcome)).toEqual([
      ['c', position, at, 7, 'Ada', 1250],
      ['u', position, at, 7, 'Ada', -300],
      ['u', position, at, 7, 'Ada', null],
      ['d', position, at, 7, 'Ada', 1250],
      ['d', position, at, 7, null, null],
      ['r', position, at, 7, 'Ada', 1250],
    ])
    expect(outcome.eventTimes[0]).toBe(BigInt(at))
  })

  it.each([
    [{ op: 'x', after: row }, 'change.op', 'data.op'],
    [{ after: row }, 'change.op', 'data.op'],
    [{ op: 'c', before: row, after: row }, 'change.before', 'data.before'],
    [{ op: 'c', before: null, after: null }, 'change.after', 'data.after'],
    [{ op: 'u', before: row }, 'change.after', 'data.after'],
    [{ op: 'u', before: [], after: row }, 'change.before', 'data.before'],
    [{ op: 'd', before: null }, 'change.before', 'data.before'],
    [{ op: 'd', before: row, after: row }, 'change.after', 'data.after'],
    [{ op: 'c', after: row, source: 'db' }, 'change.source', 'data.source'],
    [{ op: 'c', after: row, source: { ...source, pos: -1 } }, 'change.position', 'data.source'],
    [{ op: 'c', after: row, source: { ...source, pos: null } }, 'change.position', 'data.source'],
    [{ op: 'r', after: row, source: { ...source, file: null } }, 'change.position', 'data.source'],
    [{ op: 'c', after: row, source: { ts_ms: NOW } }, 'change.position', 'data.source'],
    [
      { op: 'c', after: row, source: { ...source, ts_ms: '1' } },
      'change.time',
      'data.source.ts_ms',
    ],
    [
      { op: 'c', after: row, source: { ...source, ts_ms: 1e15 } },
      'change.time',
      'data.source.ts_ms',
    ],
    [{ op: 'u', before: { ...row, account: 8 }, after: row }, 'change.key', 'data.after'],
    [{ op: 'c', after: { account: 7 } }, 'after.owner.missing', 'data.after.owner'],
    [
      { op: 'u', after: { ...row, balance: -100.01 } },
      'after.balance.belowMinimum',
      'data.after.balance',
    ],
    [{ op: 'u', before: { owner: 'Ada' }, after: row }, 'change.key', 'data.after'],
    [{ op: 'd', before: { ...row, owner: 1 } }, 'before.owner.type', 'data.before.owner'],
    [{ op: 'd', before: { owner: 'Ada' } }, 'before.account.missing', 'data.before.account'],
    [{ op: 'c', after: { ...row, account: 0 } }, 'rule:no_negative_account', 'data'],
  ])('rejects %j with %s', (data, reason, path) => {
    expect(reasonsOf(data)).toEqual([reason])
    expect(rejectionPath(reason)).toBe(path)
  })

  it('takes an update that mends a row, and the deletion of one that breaks the contract', () => {
    const broken = { account: 0, owner: 'Ada', balance: -500 }
    const outcome = decoded(
      { op: 'u', before: { ...row, owner: null, balance: -500 }, after: row },
      { op: 'd', before: broken },
    )

    expect(outcome.rejected).toEqual([])
    expect(rowsOf(outcome).map((one) => one.slice(3))).toEqual([
      [7, 'Ada', 1250],
      [0, 'Ada', -50000],
    ])
  })

  it('reads a decimal from text, as Debezium writes it where no digit may be lost', () => {
    const created = (balance: string) => ({ op: 'c', after: { ...row, balance } })

    expect(rowsOf(decoded(created('99999999.99')))[0]![5]).toBe(9_999_999_999)
    expect(reasonsOf(created('1,5'), created(''), created('.'), created('1.0.0'))).toEqual(
      Array(4).fill('after.balance.type'),
    )
    // Bytes in base64, as Debezium writes decimals by default.
    expect(reasonsOf(created('JxA='), created('1234'))).toEqual(Array(2).fill('after.balance.type'))
    expect(reasonsOf(created('1.005'), created('-100.01'))).toEqual([
      'after.balance.tooPrecise',
      'after.balance.belowMinimum',
    ])
  })

  it('is the same whether a change comes with its schema or without', () => {
    const changes = [
      { op: 'c', after: row },
      { op: 'd', before: { ...row, colour: 'red' } },
      { op: 'u', after: { ...row, balance: -101 } },
    ]
    const wrapped = changes.map((payload) => ({
      schema: { type: 'struct', optional: false, name: 'bank.public.accounts.Envelope' },
      payload: { source, ...payload },
    }))

    const [plain, withSchema] = [decoded(...changes), decoded(...wrapped)]

    expect(rowsOf(withSchema)).toEqual(rowsOf(plain))
    expect([...withSchema.unknownFields]).toEqual([['colour', 1]])
    expect(withSchema.rejected.map((one) => one.reason)).toEqual(['after.balance.belowMinimum'])
    expect(partitionValueOf(accounts, wrapped[1]!)).toBe(7)
  })

  it('counts what the contract does not know of a row, not what Debezium adds around it', () => {
    const outcome = decoded({
      op: 'u',
      before: { ...row, colour: 'red' },
      after: { ...row, colour: 'blue' },
      transaction: null,
      ts_us: 1,
    })

    expect([...outcome.unknownFields]).toEqual([['colour', 1]])
  })

  it('takes nothing that is not its own for a member', () => {
    const text = change({ op: 'c' }).replace(
      '"data":{',
      '"data":{"__proto__":{"after":{"account":7}},',
    )
    const { sequence, arrivalMicros } = record(1, '')
    const event = { kind: 'event' as const, sequence, index: 0, arrivalMicros, text }

    expect(decode(accounts, [event], { shard: 's' }).rejected[0]?.reason).toBe('change.after')
  })

  it('orders the positions of changes as the source does, however long their numbers', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n }),
        (a, b) => {
          // Beyond 2^53 they come as text or as digits: either way by their digits.
          const position = (lsn: bigint, isText: boolean) =>
            rowsOf(
              decoded({
                op: 'c',
                after: row,
                source: { ...source, pos: isText ? String(lsn) : Number(lsn % 2n ** 53n) },
              }),
            )[0]![1] as string

          expect(position(a, true) < position(b, true)).toBe(a < b)
          const [m, n] = [a % 2n ** 53n, b % 2n ** 53n]
          expect(position(m, false) < position(n, true)).toBe(m < n)
        },
      ),
      { numRuns: 50 },
    )
  })
})

describe('a row read in a snapshot', () => {
  it('comes before the changes at its position, where it has no place in a transaction', () => {
    const at = (op: string, pos: unknown) =>
      rowsOf(decoded({ op, after: row, source: { ...source, pos } }))[0]![1] as string

    expect(at('r', null) < at('c', 0)).toBe(true)
    expect(at('r', undefined)).toBe('mysql-bin.000003/')
  })
})

describe('a product of changes', () => {
  it('is decoded by the exact decoder behind the fast one’s interface', () => {
    const { sequence, arrivalMicros } = record(1, '')
    const data = Buffer.from(change({ op: 'c', after: row }))

    const outcome = createDecoder(accounts).decodeRecords([{ sequence, arrivalMicros, data }], {
      shard: 's',
    })

    expect(outcome.rejected).toEqual([])
    expect(outcome.batch.rows).toBe(1)
  })

  it('keeps the changes of a row in order by its key, also those of a deleted one', () => {
    expect(partitionValueOf(accounts, { op: 'u', before: null, after: row })).toBe(7)
    expect(partitionValueOf(accounts, { op: 'd', before: { account: 8 }, after: null })).toBe(8)
    expect(partitionValueOf(accounts, { op: 'd' })).toBeUndefined()
  })

  it('gives the state of every row, whatever order its changes were admitted in', async () => {
    const cell = new MemoryCell(accounts)
    const at = (pos: number, data: object) =>
      change({ source: { ...source, pos }, ...data }).replace('"id":"e"', `"id":"e${pos}"`)
    const texts = [
      at(1, { op: 'c', after: row }),
      at(12, { op: 'd', before: { account: 7 } }),
      at(9, { op: 'u', before: row, after: { ...row, balance: 1 } }),
      at(20, { op: 'c', after: { account: 8, owner: 'Bob' } }),
      at(9, { op: 'u', before: row, after: { ...row, balance: 1 } }),
    ]

    await cell.archive().take('shardId-000000000000', [record(1, `[${texts.join(',')}]`)])
    const [entry] = await cell.journal.entriesAfter('shardId-000000000000', 'start', 10)

    expect(entry!.counts).toEqual({ received: 5, admitted: 4, duplicate: 1, rejected: 0 })
    expect(await cell.commit()).toMatchObject({ commits: 1, rows: 4 })
    const outcome = decode(
      accounts,
      texts.map((text, index) => ({ kind: 'event' as const, ...place(index), text })),
      { shard: 's' },
    )
    const newest = new Map<number, readonly unknown[]>()
    for (const one of rowsOf(outcome)) {
      const before = newest.get(one[3] as number)
      if (before === undefined || (before[1] as string) < (one[1] as string)) {
        newest.set(one[3] as number, one)
      }
    }
    expect([...newest].map(([key, one]) => [key, one[0]])).toEqual([
      [7, 'd'],
      [8, 'c'],
    ])
  })
})

function place(index: number) {
  const { sequence, arrivalMicros } = record(1, '')
  return { sequence, arrivalMicros, index }
}
