import type { IcebergType, TableField } from '#lib/domain/lake/schema.ts'
import { type ChangeContract, isChangeContract } from '../change-terms.ts'
import type { Contract } from '../contract.ts'
import type { ContractVersions } from '../contract-versions.ts'
import { latestTableName, tableNameOf, tableSchemaOf } from '../table-columns.ts'
import { majorOf } from '../version.ts'
import { quotedName, trinoType } from './trino.ts'

/** A view of the cell's database. */
export interface SqlView {
  readonly name: string
  readonly description: string
  readonly columns: readonly ViewColumn[]
  /** One query, in Trino's dialect. */
  readonly sql: string
}

export interface ViewColumn {
  readonly name: string
  readonly type: IcebergType
  readonly description?: string
}

/** The rows of all majors under today's names: a name for queries that a new major does not break. */
export function currentViewName(product: string): string {
  return `${product}_current`
}

export function dailyViewName(product: string): string {
  return `${product}_daily`
}

export function rejectionsViewName(product: string): string {
  return `${product}_rejections`
}

/** What every product has for queries, made from its contracts. */
export function sqlViewsOf(contracts: ContractVersions): readonly SqlView[] {
  const { current } = contracts
  const rows = isChangeContract(current) ? existingRowsView(current) : currentView(contracts)
  return [rows, dailyView(current), rejectionsView(current)]
}

const MAJOR = 'contract_major'

function currentView({ current, majors }: ContractVersions): SqlView {
  const columns = tableSchemaOf(current).fields
  const parts = majors.map((contract) => {
    const had = new Map(tableSchemaOf(contract).fields.map((field) => [field.id, field]))
    const selected = columns.map((column) => `  ${columnAs(column, had.get(column.id))}`)
    selected.push(`  ${majorOf(contract.version)} as ${quotedName(MAJOR)}`)
    return `select\n${selected.join(',\n')}\nfrom ${quotedName(tableNameOf(contract))}`
  })
  return {
    name: currentViewName(current.product),
    description: `Rows of every major of ${current.product}, under the names and types of ${current.version}`,
    columns: [
      ...columns.map(({ name, type, doc }) => described(name, type, doc)),
      described(MAJOR, 'int', 'the major of the contract that judged the row'),
    ],
    sql: parts.join('\nunion all\n'),
  }
}

/** Of changes of another store, what is current is what its rows are: those that were not deleted. */
function existingRowsView(contract: ChangeContract): SqlView {
  const columns = tableSchemaOf(contract).fields
  return {
    name: currentViewName(contract.product),
    description: `Rows as they stand, each by its newest change in ${tableNameOf(contract)}`,
    columns: columns.map(({ name, type, doc }) => described(name, type, doc)),
    sql: [
      `select\n${columns.map(({ name }) => `  ${quotedName(name)}`).join(',\n')}`,
      `from ${quotedName(latestTableName(contract))}`,
      `where "op" <> 'd'`,
    ].join('\n'),
  }
}

/** A column under today's name and type, by its id; null where an older major had none that fits. */
function columnAs({ name, type }: TableField, had: TableField | undefined): string {
  if (had === undefined) return `cast(null as ${trinoType(type)}) as ${quotedName(name)}`
  if (trinoType(had.type) === trinoType(type)) {
    return had.name === name ? quotedName(name) : `${quotedName(had.name)} as ${quotedName(name)}`
  }
  const value = isWider(type, had.type) ? quotedName(had.name) : 'null'
  return `cast(${value} as ${trinoType(type)}) as ${quotedName(name)}`
}

/** Whether every value of the one type is a value of the other: what Iceberg calls a promotion. */
function isWider(wide: IcebergType, narrow: IcebergType): boolean {
  if (wide === 'long') return narrow === 'int'
  const [a, b] = [decimalOf(wide), decimalOf(narrow)]
  return a !== undefined && b !== undefined && a.scale === b.scale && a.precision >= b.precision
}

function decimalOf(type: IcebergType) {
  const [, precision, scale] = /^decimal\((\d+),\s*(\d+)\)$/.exec(String(type)) ?? []
  return precision === undefined ? undefined : { precision: Number(precision), scale }
}

function dailyView(contract: Contract): SqlView {
  const { product, changes, eventTime, partitioning, fields } = contract
  const by = partitioning
    .filter(({ transform }) => transform === 'identity')
    .map(({ field }) => tableSchemaOf(contract).fields.find((one) => one.name === field)!)
  const groups = [
    `cast(${quotedName(eventTime)} at time zone 'UTC' as date) as "day"`,
    ...by.map(({ name }) => quotedName(name)),
  ]
  const values = [
    'count(*) as "row_count"',
    'min("ingest_time") as "first_arrival"',
    'max("ingest_time") as "last_arrival"',
  ]
  const time = fields.find((field) => field.name === eventTime)
  return {
    name: dailyViewName(product),
    description: `Rows of ${product} per day of ${eventTime}${by.length === 0 ? '' : ` and ${by.map((one) => one.name).join(', ')}`}`,
    columns: [
      described('day', 'date', time?.description || `of ${eventTime}, UTC`),
      ...by.map(({ name, type, doc }) => described(name, type, doc)),
      described('row_count', 'long'),
      described('first_arrival', 'timestamptz', 'of a row of the day'),
      described('last_arrival', 'timestamptz', 'of a row of the day'),
    ],
    sql: [
      `select\n  ${[...groups, ...values].join(',\n  ')}`,
      `from ${quotedName(changes === undefined ? currentViewName(product) : tableNameOf(contract))}`,
      `group by ${groups.map((_, index) => index + 1).join(', ')}`,
    ].join('\n'),
  }
}

function rejectionsView({ product }: Contract): SqlView {
  return {
    name: rejectionsViewName(product),
    description: `Rejected events of ${product} per date of arrival, contract version and reason`,
    columns: [
      // As text it is the partition: a condition on it decides which objects are read.
      described('date', 'string', 'arrival, UTC'),
      described('contract_version', 'string'),
      described('reason', 'string'),
      described('row_count', 'long'),
    ],
    sql: [
      'select\n  "date",\n  "contract_version",\n  "reason",\n  count(*) as "row_count"',
      `from ${quotedName(`${product}_quarantine`)}`,
      'group by 1, 2, 3',
    ].join('\n'),
  }
}

function described(name: string, type: IcebergType, description = ''): ViewColumn {
  return description === '' ? { name, type } : { name, type, description }
}
