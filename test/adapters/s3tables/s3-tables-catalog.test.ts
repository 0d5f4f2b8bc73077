import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { S3TablesClient } from '@aws-sdk/client-s3tables'
import { afterEach, describe, expect, it } from 'vitest'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { S3TablesCatalog } from '#lib/adapters/s3tables/s3-tables-catalog.ts'

const ARN = 'arn:aws:s3tables:us-east-1:123456789012:bucket/lake'
const TABLE = { database: 'cell', name: 'trips' }

interface Heard {
  readonly method: string
  readonly path: string
  readonly authorization: string
  readonly body: unknown
}

let server: Server | undefined
afterEach(() => {
  server?.close()
  server?.closeAllConnections()
})

/** A catalog whose service gives these answers in turn: a status, and a body or a cut connection. */
async function catalogThatMeets(answers: readonly (readonly [number, object?] | 'cut')[]) {
  const heard: Heard[] = []
  const rest = [...answers]
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => {
      const text = Buffer.concat(parts).toString()
      heard.push({
        method: request.method!,
        path: request.url!,
        authorization: request.headers.authorization ?? '',
        body: text === '' ? undefined : JSON.parse(text),
      })
      const answer = rest.shift()
      if (answer === undefined || answer === 'cut') {
        request.socket.destroy()
        return
      }
      response.writeHead(answer[0], { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer[1] ?? {}))
    })
  })
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = new S3TablesClient({
    ...clientConfig({ region: 'us-east-1', maxAttempts: 3 }),
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  })
  return { catalog: new S3TablesCatalog({ client, tableBucketArn: ARN }), heard }
}

const CONFLICT = [409, { __type: 'ConflictException', message: 'no' }] as const
const MISSING = [404, { __type: 'NotFoundException', message: 'no' }] as const
const swap = { expectedVersion: 'v1', metadataLocation: 's3://w/1' }

describe('S3 Tables as a catalog', () => {
  it('moves the pointer with the token that came with it, in a signed call of the service', async () => {
    const { catalog, heard } = await catalogThatMeets([
      [200, { metadataLocation: 's3://w/0', versionToken: 'v1', warehouseLocation: 's3://w' }],
      [200, { versionToken: 'v2' }],
    ])

    const entry = await catalog.load(TABLE)
    await catalog.swap(TABLE, { ...swap, expectedVersion: entry!.version })

    const path = `/tables/${encodeURIComponent(ARN)}/cell/trips/metadata-location`
    expect(heard.map(({ method, path: at, body }) => [method, at, body])).toEqual([
      ['GET', path, undefined],
      ['PUT', path, { metadataLocation: 's3://w/1', versionToken: 'v1' }],
    ])
    for (const { authorization } of heard) {
      expect(authorization).toMatch(
        /^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/us-east-1\/s3tables\//,
      )
    }
  })

  it('makes namespace and table before it gives them metadata, whoever was there first', async () => {
    const { catalog, heard } = await catalogThatMeets([
      MISSING,
      CONFLICT,
      CONFLICT,
      [200, { versionToken: 'v0', warehouseLocation: 's3://w' }],
      [200],
    ])

    await catalog.create(TABLE, {
      metadataLocation: 's3://w/0',
      location: 's3://w',
      schema: { fields: [] },
    })

    expect(heard.map(({ method, body }) => [method, body])).toEqual([
      ['GET', undefined],
      ['PUT', { namespace: ['cell'] }],
      ['PUT', { name: 'trips', format: 'ICEBERG' }],
      ['GET', undefined],
      ['PUT', { metadataLocation: 's3://w/0', versionToken: 'v0' }],
    ])
  })

  it.each([
    ['a token that is not the table’s', CONFLICT, 'lake.commitConflict', true],
    ['a table that is gone', MISSING, 'lake.tableNotFound', false],
    ['a refusal', [403, { __type: 'ForbiddenException' }] as const, 'lake.commitRefused', false],
    ['a throttle', [429, {}] as const, 'lake.commitStateUnknown', true],
    ['a fault', [500, {}] as const, 'lake.commitStateUnknown', true],
    ['no answer', 'cut' as const, 'lake.commitStateUnknown', true],
  ])('a swap that meets %s is told so', async (_what, answer, code, retryable) => {
    const { catalog, heard } = await catalogThatMeets([answer, answer, answer])

    await expect(catalog.swap(TABLE, swap)).rejects.toMatchObject({ code, retryable })
    expect(heard.length).toBe(code === 'lake.commitStateUnknown' ? 3 : 1)
  })

  it('reads again what a fault or a cut connection kept from it', async () => {
    const { catalog, heard } = await catalogThatMeets([
      [503, {}],
      'cut',
      [200, { metadataLocation: 's3://w/0', versionToken: 'v1' }],
    ])

    expect(await catalog.load(TABLE)).toEqual({ metadataLocation: 's3://w/0', version: 'v1' })
    expect(heard).toHaveLength(3)
  })
})
