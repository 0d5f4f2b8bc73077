import type { Contract } from '../contract.ts'
import type { ContractVersions } from '../contract-versions.ts'
import { tableNameOf } from '../table-columns.ts'
import { dailyViewName, rejectionsViewName } from './sql-views.ts'
import { quotedName } from './trino.ts'

/** A query that people find in Athena under a name. */
export interface SavedQuery {
  readonly name: string
  readonly purpose: 'analysts' | 'operations'
  readonly description: string
  /** One query, in Trino's dialect. */
  readonly sql: string
}

/** What is asked of every product, made from its contracts. */
export function savedQueriesOf(contracts: ContractVersions): readonly SavedQuery[] {
  const { current } = contracts
  return [...questions(current), ...checks(current)]
}

/** Rows of one day of event time. */
export function rowsOfDay(contract: Contract): string {
  const time = quotedName(contract.eventTime)
  return [
    'select *',
    `from ${tableNameOf(contract)}`,
    `where ${time} >= timestamp '2026-01-31 00:00:00 UTC' and ${time} < timestamp '2026-02-01 00:00:00 UTC'`,
    'limit 10',
  ].join('\n')
}

/** The rows of another store as they stand, of the table of their changes. */
export function rowsAsTheyStand(contract: Contract, changes: { readonly key: readonly string[] }) {
  const key = changes.key.map(quotedName).join(', ')
  return [
    'select *',
    'from (',
    `  select *, row_number() over (partition by ${key} order by source_position desc, op) as newest`,
    `  from ${tableNameOf(contract)}`,
    ')',
    "where newest = 1 and op <> 'd'",
    'limit 10',
  ].join('\n')
}

function questions(contract: Contract): readonly SavedQuery[] {
  const { product, changes } = contract
  const ask = (name: string, description: string, sql: string): SavedQuery => ({
    name: `${product}: ${name}`,
    purpose: 'analysts',
    description,
    sql,
  })
  return [
    ask('rows of a day', 'Ten rows of one day of event time', rowsOfDay(contract)),
    ...(changes === undefined
      ? []
      : [
          ask(
            'rows by their changes',
            'The newest change of each row that exists, of all changes: what the view of current rows is kept up to',
            rowsAsTheyStand(contract, changes),
          ),
        ]),
    ask(
      'rows per day',
      'How many rows there are of each day of event time, and when they arrived',
      `select *\nfrom ${dailyViewName(product)}\norder by "day" desc\nlimit 100`,
    ),
    ask(
      'five minutes ago',
      'The number of rows then; how far back one can ask is how long snapshots are kept',
      `select count(*) as row_count\nfrom ${tableNameOf(contract)} for timestamp as of (current_timestamp - interval '5' minute)`,
    ),
  ]
}

function checks(contract: Contract): readonly SavedQuery[] {
  const { product } = contract
  const table = tableNameOf(contract)
  const check = (name: string, description: string, sql: readonly string[]): SavedQuery => ({
    name: `${product}: ${name}`,
    purpose: 'operations',
    description,
    sql: sql.join('\n'),
  })
  return [
    check('rejections of a week', 'Why events were rejected, by date of arrival', [
      'select *',
      `from ${rejectionsViewName(product)}`,
      `where "date" >= ${dateDaysAgo(7)}`,
      'order by "date" desc, row_count desc',
    ]),
    check('late rows of a week', 'Events that came after the window of a view could take them', [
      'select "date", view, count(*) as row_count, max(arrival_time) as last_arrival',
      `from ${product}_late`,
      `where "date" >= ${dateDaysAgo(7)}`,
      'group by 1, 2',
      'order by 1 desc, 2',
    ]),
    check('received per shard', 'Events in raw by shard, of the last two days', [
      'select "date", shard, count(*) as event_count, max(arrival_time) as last_arrival',
      `from ${product}_raw`,
      `where "date" >= ${dateDaysAgo(2)}`,
      'group by 1, 2',
      'order by 1 desc, 2',
    ]),
    check('one event in raw', 'Where an event is, by its id: write it in place of EVENT-ID', [
      'select "date", shard, sequence_number, event_index, arrival_time, contract_version, event',
      `from ${product}_raw`,
      `where "date" >= ${dateDaysAgo(2)} and json_extract_scalar(event, '$.id') = 'EVENT-ID'`,
    ]),
    check(
      'places that are there twice',
      'Must have no row: an event has one place and is one row',
      [
        'select ingest_shard, ingest_sequence, ingest_index, count(*) as row_count',
        `from ${table}`,
        `where ingest_time >= current_timestamp - interval '1' day`,
        'group by 1, 2, 3',
        'having count(*) > 1',
        'limit 100',
      ],
    ),
    check('snapshots', 'What was committed lately, and by what', [
      'select committed_at, snapshot_id, operation, summary',
      `from "${table}$snapshots"`,
      'order by committed_at desc',
      'limit 50',
    ]),
  ]
}

/** A date as its partition is named. */
function dateDaysAgo(days: number): string {
  return `date_format(current_timestamp - interval '${days}' day, '%Y-%m-%d')`
}
