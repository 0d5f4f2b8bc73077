import {
  type AthenaClient,
  type ColumnInfo,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  type Row,
  StartQueryExecutionCommand,
  StopQueryExecutionCommand,
} from '@aws-sdk/client-athena'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { athenaValue, type CellValue } from './athena-values.ts'

export interface AthenaQueryProps {
  readonly client: AthenaClient
  /** Decides where results go and how much may be scanned. */
  readonly workGroup: string
  /** Where tables are looked up that the query does not qualify. */
  readonly database: string
  readonly sleep: (ms: number) => Promise<void>
}

export interface QueryResult {
  readonly columns: readonly string[]
  /** Athena's type of each column, such as `decimal` or `timestamp with time zone`. */
  readonly types: readonly string[]
  readonly rows: readonly (readonly CellValue[])[]
  readonly scannedBytes: number
}

const POLL_MS = { first: 50, most: 2_000 }

/** Runs one query after another in Athena. */
export class AthenaQuery {
  readonly #props: AthenaQueryProps

  constructor(props: AthenaQueryProps) {
    this.#props = props
  }

  /** Runs a query to its end. Throws `athena.queryFailed` with Athena's own reason. */
  async run(sql: string): Promise<QueryResult> {
    const { client, workGroup, database } = this.#props
    const { QueryExecutionId: id } = await client.send(
      new StartQueryExecutionCommand({
        QueryString: sql,
        WorkGroup: workGroup,
        QueryExecutionContext: { Database: database },
      }),
    )
    try {
      const { scannedBytes, hasHeader } = await this.#finish(id!)
      return { ...(await this.#results(id!, hasHeader)), scannedBytes }
    } catch (error) {
      // Nobody waits for it any more, and what it scans is billed.
      if (!(error instanceof PlatformError)) {
        await client.send(new StopQueryExecutionCommand({ QueryExecutionId: id })).catch(() => {})
      }
      throw error
    }
  }

  async #finish(id: string): Promise<{ scannedBytes: number; hasHeader: boolean }> {
    const { client, sleep } = this.#props
    for (let pauseMs = POLL_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, POLL_MS.most)) {
      const { QueryExecution: execution } = await client.send(
        new GetQueryExecutionCommand({ QueryExecutionId: id }),
      )
      const state = execution?.Status?.State
      if (state === 'SUCCEEDED') {
        return {
          scannedBytes: execution?.Statistics?.DataScannedInBytes ?? 0,
          // Only what reads data repeats its column names as the first row.
          hasHeader: execution?.StatementType === 'DML',
        }
      }
      if (state === 'FAILED' || state === 'CANCELLED') {
        const reason = execution?.Status?.StateChangeReason ?? `the query is ${state}`
        throw new PlatformError('athena.queryFailed', reason.trim(), { context: { id } })
      }
      await sleep(pauseMs)
    }
  }

  async #results(id: string, hasHeader: boolean): Promise<Omit<QueryResult, 'scannedBytes'>> {
    const rows: Row[] = []
    let info: ColumnInfo[] | undefined
    let token: string | undefined
    do {
      const page = await this.#props.client.send(
        new GetQueryResultsCommand({ QueryExecutionId: id, ...(token && { NextToken: token }) }),
      )
      info ??= page.ResultSet?.ResultSetMetadata?.ColumnInfo ?? []
      for (const row of page.ResultSet?.Rows ?? []) rows.push(row)
      token = page.NextToken
    } while (token !== undefined)
    const types = info.map((column) => column.Type ?? 'varchar')
    return {
      columns: info.map((column) => column.Name ?? ''),
      types,
      rows: rows
        .slice(hasHeader ? 1 : 0)
        .map(({ Data: data = [] }) =>
          types.map((type, i) => athenaValue(type, data[i]?.VarCharValue)),
        ),
    }
  }
}
