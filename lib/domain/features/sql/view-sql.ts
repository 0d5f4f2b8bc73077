import type { Contract, FieldType } from '#lib/domain/contract/contract.ts'
import { quotedName } from '#lib/domain/contract/sql/trino.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { isoOf, type Micros } from '#lib/domain/kernel/time.ts'
import type { AggregateDefinition, ViewDefinition } from '#lib/domain/process/view.ts'
import { rowsOfView } from '#lib/domain/process/view.ts'
import { epochSecond, expressionSql, floorRest } from './expression-sql.ts'

export interface ViewSqlOptions {
  /** The curated table, as Athena is to find it: `"database"."table"`. */
  readonly table: string
  /** Only rows with an event time in [from, to): windows that reach over a bound lack what lies beyond. */
  readonly from?: Micros
  readonly to?: Micros
}

/** Where a row came from: what tells the first of two at one instant. */
const PLACE = ['ingest_shard', 'ingest_sequence', 'ingest_index']

/**
 * The view as one statement in Trino's dialect over the product's curated table: the key, `window_start` and `window_end`
 * (none for a running total), and each aggregate. It is the batch view: rows that came too late for the stream are in it.
 * Exact aggregates are those of the stream; of the others `distinct` is exact here, `quantile` and `topk` are Trino's own
 * approximations, which keep to their own errors.
 */
export function viewSql(view: ViewDefinition, contract: Contract, options: ViewSqlOptions): string {
  const { window } = view
  const rows = rowsCte(view, contract, options)
  const key = quotedName(view.key)
  const aggregates = view.aggregates.map(
    (one) => `${aggregateSql(one, rowsOfView(view, contract).contract)} AS ${quotedName(one.name)}`,
  )
  const select = (from: string, start: string, end: string, groupBy: string) =>
    statement(
      [...rows, ...(from === '' ? [] : [from])],
      [
        `SELECT ${[key, `${start} AS "window_start"`, `${end} AS "window_end"`, ...aggregates].join(', ')}`,
        `FROM ${from === '' ? '"view_rows"' : '"windowed_rows"'}`,
        `GROUP BY ${groupBy}`,
      ],
    )
  switch (window.kind) {
    case 'running':
      return statement(rows, [
        `SELECT ${[key, ...aggregates].join(', ')}`,
        'FROM "view_rows"',
        `GROUP BY ${key}`,
      ])
    case 'tumbling':
    case 'sliding': {
      const step = window.kind === 'tumbling' ? window.sizeSeconds : window.slideSeconds
      const last = floored(window.offsetSeconds ?? 0, step)
      const windowed =
        window.kind === 'tumbling'
          ? `"windowed_rows" AS (SELECT *, ${last} AS "window_second" FROM "view_rows")`
          : `"all_windows" AS (SELECT *, ${last} - "nth" * ${step} AS "window_second" FROM "view_rows" CROSS JOIN UNNEST(sequence(0, ${Math.ceil(window.sizeSeconds / step) - 1})) AS t("nth")),\n"windowed_rows" AS (SELECT * FROM "all_windows" WHERE "window_second" + ${window.sizeSeconds} > "event_second")`
      return select(
        windowed,
        'from_unixtime("window_second")',
        `from_unixtime("window_second" + ${window.sizeSeconds})`,
        `${key}, "window_second"`,
      )
    }
    case 'session': {
      const gap = `INTERVAL '${window.gapSeconds}' SECOND`
      const inOrder = `(PARTITION BY ${key} ORDER BY "event_at")`
      const rowsSoFar = `(PARTITION BY ${key} ORDER BY "event_at" ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)`
      const marked = `"marked_rows" AS (SELECT *, CASE WHEN "event_at" <= lag("event_at") OVER ${inOrder} + ${gap} THEN 0 ELSE 1 END AS "begins" FROM "view_rows")`
      const windowed = `${marked},\n"windowed_rows" AS (SELECT *, sum("begins") OVER ${rowsSoFar} AS "session" FROM "marked_rows")`
      return select(windowed, 'min("event_at")', `max("event_at") + ${gap}`, `${key}, "session"`)
    }
  }
}

/** The rows that count, with their derived columns. */
function rowsCte(view: ViewDefinition, contract: Contract, options: ViewSqlOptions): string[] {
  const shape = rowsOfView(view, contract)
  const columns = new Map<string, string>()
  for (const { name, value } of shape.derived) columns.set(name, expressionSql(value, columns))
  const at = quotedName(contract.eventTime)
  const needed = new Set([view.key, ...view.aggregates.flatMap((one) => one.field ?? [])])
  const selected = [...needed].map((name) => {
    const sql = columns.get(name)
    return sql === undefined ? quotedName(name) : `${sql} AS ${quotedName(name)}`
  })
  const place = view.aggregates.some((one) => one.function === 'first' || one.function === 'last')
    ? PLACE.map(quotedName)
    : []
  const conditions = [
    `${columns.get(view.key) ?? quotedName(view.key)} IS NOT NULL`,
    ...(shape.filter === undefined ? [] : [expressionSql(shape.filter, columns)]),
    ...(options.from === undefined ? [] : [`${at} >= ${instant(options.from)}`]),
    ...(options.to === undefined ? [] : [`${at} < ${instant(options.to)}`]),
  ]
  const times = [`${at} AS "event_at"`, `${epochSecond(at)} AS "event_second"`]
  return [
    `"view_rows" AS (SELECT ${[...selected, ...place, ...times].join(', ')} FROM ${options.table} WHERE ${conditions.join(' AND ')})`,
  ]
}

function statement(ctes: readonly string[], body: readonly string[]): string {
  return `WITH ${ctes.join(',\n')}\n${body.join('\n')}`
}

/** The latest start of a window at or before the event. */
function floored(offsetSeconds: number, stepSeconds: number): string {
  const rest = floorRest(`"event_second" - ${offsetSeconds}`, stepSeconds)
  return `"event_second" - ${rest}`
}

function instant(micros: Micros): string {
  return `TIMESTAMP '${isoOf(micros).replace('T', ' ').replace('Z', '')} UTC'`
}

function aggregateSql(definition: AggregateDefinition, contract: Contract): string {
  const value = definition.field === undefined ? '*' : quotedName(definition.field)
  const type = contract.fields.find(({ name }) => name === definition.field)?.type
  switch (definition.function) {
    case 'count':
      return `count(${value})`
    case 'sum':
      return sumSql(value, type!)
    case 'mean':
      return type!.kind === 'double'
        ? `avg(${value})`
        : `CAST(sum(${value}) AS double) / NULLIF(count(${value}), 0)`
    case 'min':
    case 'max':
      return `${definition.function}(${value})`
    case 'variance': {
      const name = definition.of === 'population' ? 'var_pop' : 'var_samp'
      return `${name}(CAST(${value} AS double))`
    }
    case 'distinct':
      return `count(DISTINCT ${value})`
    case 'quantile': {
      const { q } = definition
      const wanted = Array.isArray(q) ? `ARRAY[${q.join(', ')}]` : String(q)
      return `approx_percentile(CAST(${value} AS double), ${wanted})`
    }
    case 'topk':
      return `approx_most_frequent(${definition.k}, ${value}, ${definition.capacity ?? Math.max(10 * definition.k, 100)})`
    case 'first':
    case 'last': {
      const name = definition.function === 'first' ? 'min_by' : 'max_by'
      const order = `ROW(${['event_at', ...PLACE].map(quotedName).join(', ')})`
      return `${name}(${value}, ${order}) FILTER (WHERE ${value} IS NOT NULL)`
    }
    default:
      throw new PlatformError('view.invalid', `there is no SQL for ${JSON.stringify(definition)}`)
  }
}

/** Exactly, in all digits, and null where the column's type cannot hold it. */
function sumSql(value: string, type: FieldType): string {
  if (type.kind === 'double') return `sum(${value})`
  if (type.kind === 'decimal') return `TRY_CAST(sum(${value}) AS decimal(18, ${type.scale}))`
  return `TRY_CAST(sum(CAST(${value} AS decimal(38, 0))) AS bigint)`
}
