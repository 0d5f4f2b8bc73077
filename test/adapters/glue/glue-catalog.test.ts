import { GlueClient } from '@aws-sdk/client-glue'
import { describe, expect, it } from 'vitest'
import { GlueCatalog } from '#lib/adapters/glue/glue-catalog.ts'
import { glueColumns } from '#lib/adapters/glue/glue-columns.ts'
import { type Answer, answering } from '../aws/fake-http.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const TABLE = { database: 'cell', name: 'trips' }
const SWAP = { expectedVersion: '3', metadataLocation: 's3://lake/new' }

function catalogThatMeets(answers: readonly Answer[]) {
  const { requestHandler, requests } = answering(answers)
  const client = new GlueClient({
    region: 'us-east-1',
    credentials,
    requestHandler,
    maxAttempts: 1,
  })
  const sent = (at: number) => {
    const { body } = requests[at] as unknown as { body: Uint8Array }
    return JSON.parse(Buffer.from(body).toString())
  }
  return { catalog: new GlueCatalog({ client }), sent }
}

const found = (table: object): Answer => ({ status: 200, body: JSON.stringify({ Table: table }) })
const failure = (status: number, code: string): Answer => ({
  status,
  body: JSON.stringify({ __type: code, Message: 'no' }),
})

const STORED = {
  Name: 'trips',
  DatabaseName: 'cell',
  VersionId: '3',
  CreateTime: 1,
  Description: 'by someone',
  Owner: 'them',
  Retention: 4,
  TableType: 'EXTERNAL_TABLE',
  Parameters: { table_type: 'ICEBERG', metadata_location: 's3://lake/old', theirs: 'kept' },
  StorageDescriptor: {
    Location: 's3://lake',
    Columns: [{ Name: 'theirs', Type: 'string' }],
    SerdeInfo: { Name: 'theirs' },
  },
}

describe('a swap in Glue', () => {
  it('sends the entry as it was read, with its pointer moved and its version expected', async () => {
    const { catalog, sent } = catalogThatMeets([found(STORED)])
    await catalog.load(TABLE)

    await catalog.swap(TABLE, SWAP)

    const { DatabaseName: _, VersionId: __, CreateTime: ___, ...input } = STORED
    expect(sent(1)).toEqual({
      DatabaseName: 'cell',
      VersionId: '3',
      SkipArchive: true,
      TableInput: {
        ...input,
        Parameters: {
          ...STORED.Parameters,
          metadata_location: 's3://lake/new',
          previous_metadata_location: 's3://lake/old',
        },
      },
    })
  })

  it('writes no newer entry under an older version', async () => {
    const { catalog } = catalogThatMeets([found({ ...STORED, VersionId: '4' })])

    await expect(catalog.swap(TABLE, SWAP)).rejects.toMatchObject({ code: 'lake.commitConflict' })
  })

  it.each<[Answer, string, boolean]>([
    [failure(400, 'ConcurrentModificationException'), 'lake.commitConflict', true],
    [failure(400, 'VersionMismatchException'), 'lake.commitConflict', true],
    [failure(400, 'OperationTimeoutException'), 'lake.commitStateUnknown', true],
    [failure(400, 'ResourceNotReadyException'), 'lake.commitStateUnknown', true],
    [failure(500, 'InternalServiceException'), 'lake.commitStateUnknown', true],
    [failure(400, 'ThrottlingException'), 'lake.commitStateUnknown', true],
    [failure(503, 'ServiceUnavailable'), 'lake.commitStateUnknown', true],
    [{ status: 504, body: '<html>' }, 'lake.commitStateUnknown', true],
    [failure(400, 'InvalidInputException'), 'lake.commitRefused', false],
    [failure(400, 'AccessDeniedException'), 'lake.commitRefused', false],
    [failure(400, 'ResourceNumberLimitExceededException'), 'lake.commitRefused', false],
    [failure(400, 'EntityNotFoundException'), 'lake.tableNotFound', false],
  ])('that meets %j is %s', async (answer, code, retryable) => {
    const { catalog } = catalogThatMeets([found(STORED), answer])

    await expect(catalog.swap(TABLE, SWAP)).rejects.toMatchObject({ code, retryable })
  })

  it('without any answer leaves the outcome open', async () => {
    const requestHandler = {
      metadata: { handlerProtocol: 'http/1.1' },
      handle: () => Promise.reject(Object.assign(new Error('reset'), { code: 'ECONNRESET' })),
    } as never
    const client = new GlueClient({
      region: 'us-east-1',
      credentials,
      requestHandler,
      maxAttempts: 1,
    })

    await expect(
      new GlueCatalog({ client }).create(TABLE, {
        metadataLocation: 's3://lake/0',
        location: 's3://lake',
        schema: { fields: [] },
      }),
    ).rejects.toMatchObject({ code: 'lake.commitStateUnknown', retryable: true })
  })
})

describe('a table in Glue', () => {
  it('that is no Iceberg table is not taken for one', async () => {
    const { catalog } = catalogThatMeets([found({ Name: 'trips', Parameters: {} })])

    await expect(catalog.load(TABLE)).rejects.toMatchObject({ code: 'lake.unsupportedTable' })
  })

  it('shows its columns in the types of Hive', () => {
    const columns = glueColumns({
      fields: [
        { id: 1, name: 'a', required: true, type: 'long', doc: `one\n${'x'.repeat(300)}` },
        { id: 2, name: 'b', required: false, type: 'timestamptz' },
        { id: 3, name: 'c', required: false, type: 'decimal(9, 2)' },
        { id: 4, name: 'd', required: false, type: 'date' },
      ],
    })

    expect(columns.map(({ Type }) => Type)).toEqual(['bigint', 'timestamp', 'decimal(9,2)', 'date'])
    expect(columns[0]!.Parameters).toEqual({
      'iceberg.field.id': '1',
      'iceberg.field.optional': 'false',
      'iceberg.field.current': 'true',
    })
    expect(columns[0]!.Comment).toHaveLength(255)
  })
})
