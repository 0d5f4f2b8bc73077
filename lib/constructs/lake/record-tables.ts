import { Stack } from 'aws-cdk-lib'
import { CfnTable } from 'aws-cdk-lib/aws-glue'
import type { IBucket } from 'aws-cdk-lib/aws-s3'
import { Construct } from 'constructs'
import type { Contract } from '#lib/domain/contract/contract.ts'

export interface RecordTablesProps {
  readonly database: string
  readonly bucket: IBucket
  readonly contract: Contract
}

interface Column {
  readonly name: string
  readonly type: string
  readonly comment?: string
}

/** Where a record stood in the stream, and which contract judged it. */
const POSITION: readonly Column[] = [
  { name: 'shard', type: 'string' },
  { name: 'sequence_number', type: 'string', comment: '3-digit length, then the digits' },
  { name: 'event_index', type: 'int', comment: 'place inside the record' },
  { name: 'arrival_time', type: 'timestamp', comment: 'UTC' },
  { name: 'contract_version', type: 'string' },
]

const RAW_COLUMNS: readonly Column[] = [
  ...POSITION,
  { name: 'kind', type: 'string', comment: 'event, or stub of what could not be decoded' },
  { name: 'event', type: 'string', comment: 'as it came' },
  { name: 'length_bytes', type: 'bigint', comment: 'of a stub' },
  { name: 'sha256', type: 'string', comment: 'of a stub' },
  { name: 'reason', type: 'string', comment: 'of a stub' },
]

const QUARANTINE_COLUMNS: readonly Column[] = [
  { name: 'quarantine_id', type: 'string' },
  ...POSITION,
  { name: 'reason', type: 'string' },
  { name: 'detail', type: 'string' },
  { name: 'event_id', type: 'string' },
  { name: 'event_source', type: 'string' },
  { name: 'event', type: 'string', comment: 'as it came' },
  { name: 'length_bytes', type: 'bigint', comment: 'of a stub' },
  { name: 'sha256', type: 'string', comment: 'of a stub' },
  { name: 'path', type: 'string', comment: 'place in the event: data.fare_amount' },
]

const LATE_COLUMNS: readonly Column[] = [
  { name: 'view', type: 'string' },
  { name: 'key', type: 'string', comment: "the view's key" },
  { name: 'event_id', type: 'string' },
  { name: 'event_source', type: 'string' },
  { name: 'event_time', type: 'timestamp', comment: 'UTC' },
  { name: 'arrival_time', type: 'timestamp', comment: 'UTC' },
  { name: 'shard', type: 'string' },
  { name: 'sequence_number', type: 'string', comment: '3-digit length, then the digits' },
  { name: 'event_index', type: 'int', comment: 'place inside the record' },
  { name: 'contract_version', type: 'string' },
]

interface Format {
  readonly classification: string
  readonly inputFormat: string
  readonly outputFormat: string
  readonly serializationLibrary: string
}

const JSON_LINES: Format = {
  classification: 'json',
  inputFormat: 'org.apache.hadoop.mapred.TextInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
  serializationLibrary: 'org.openx.data.jsonserde.JsonSerDe',
}

const PARQUET: Format = {
  classification: 'parquet',
  inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
  outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
  serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
}

/**
 * `<product>_raw`, `<product>_quarantine` and `<product>_late` for Athena. Their partitions follow from the region and the date, so no
 * crawler looks for them. The curated table is not made here: its first commit makes it.
 */
export class RecordTables extends Construct {
  constructor(scope: Construct, id: string, props: RecordTablesProps) {
    super(scope, id)
    const { product, retention } = props.contract
    this.table('Raw', props, {
      name: `${product}_raw`,
      description: 'Every received event once, as it came',
      prefix: 'raw',
      columns: RAW_COLUMNS,
      format: JSON_LINES,
      retentionDays: retention.rawDays,
    })
    this.table('Quarantine', props, {
      name: `${product}_quarantine`,
      description: 'Rejected events with the reason',
      prefix: 'quarantine',
      columns: QUARANTINE_COLUMNS,
      format: PARQUET,
      retentionDays: retention.quarantineDays,
    })
    this.table('Late', props, {
      name: `${product}_late`,
      description:
        'Events that came after the window of a view could take them; the curated table has them',
      prefix: 'late',
      columns: LATE_COLUMNS,
      format: PARQUET,
      retentionDays: retention.rawDays,
    })
  }

  private table(
    id: string,
    { database, bucket }: RecordTablesProps,
    table: {
      readonly name: string
      readonly description: string
      readonly prefix: string
      readonly columns: readonly Column[]
      readonly format: Format
      readonly retentionDays: number
    },
  ): void {
    const { region, account } = Stack.of(this)
    const { classification, inputFormat, outputFormat, serializationLibrary } = table.format
    const location = bucket.s3UrlForObject(`${table.prefix}/`)
    new CfnTable(this, id, {
      catalogId: account,
      databaseName: database,
      tableInput: {
        name: table.name,
        description: table.description,
        tableType: 'EXTERNAL_TABLE',
        partitionKeys: [
          { name: 'region', type: 'string' },
          { name: 'date', type: 'string', comment: 'arrival, UTC' },
        ],
        storageDescriptor: {
          columns: [...table.columns],
          location,
          inputFormat,
          outputFormat,
          serdeInfo: { serializationLibrary },
        },
        parameters: {
          EXTERNAL: 'TRUE',
          classification,
          'projection.enabled': 'true',
          'projection.region.type': 'enum',
          'projection.region.values': region,
          'projection.date.type': 'date',
          'projection.date.format': 'yyyy-MM-dd',
          // What is older has expired; a day more on each side, since arrival clocks are not ours.
          'projection.date.range': `NOW-${table.retentionDays + 1}DAYS,NOW+1DAYS`,
          'storage.location.template': `${location}region=\${region}/date=\${date}/`,
        },
      },
    })
  }
}
