import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { type Answer, answering } from '../aws/fake-http.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const URI = 's3://bucket/a/key'

function storeThatMeets(answers: readonly Answer[]) {
  const { requestHandler, requests } = answering(answers)
  const waits: number[] = []
  const store = new S3ObjectStore({
    client: new S3Client({ region: 'us-east-1', credentials, requestHandler }),
    clock: { nowMs: () => Date.UTC(2026, 0, 1) },
    pause: async (attempt) => void waits.push(attempt),
  })
  return { store, requests, waits }
}

const failure = (status: number, code: string): Answer => ({
  status,
  body: `<Error><Code>${code}</Code><Message>no</Message></Error>`,
})
const CONFLICT = failure(409, 'ConditionalRequestConflict')
const PRESENT = failure(412, 'PreconditionFailed')

describe('put if absent, where the local cloud cannot answer as S3 does', () => {
  it('asks S3 to refuse an existing object and sends a checksum', async () => {
    const { store, requests } = storeThatMeets([200])

    expect(await store.putIfAbsent(URI, new Uint8Array(3))).toBe('created')
    expect(requests[0]!.headers).toMatchObject({
      'if-none-match': '*',
      'x-amz-checksum-crc32': expect.any(String),
    })
  })

  it('repeats a 409, because it leaves open whether the object is there', async () => {
    const { store, waits } = storeThatMeets([CONFLICT, CONFLICT, PRESENT])

    expect(await store.putIfAbsent(URI, new Uint8Array(3))).toBe('exists')
    expect(waits).toEqual([2, 3])
  })

  it('answers exists when the SDK repeats our own success after a fault', async () => {
    const { store, requests } = storeThatMeets([failure(500, 'InternalError'), PRESENT])

    expect(await store.putIfAbsent(URI, new Uint8Array(3))).toBe('exists')
    expect(requests).toHaveLength(2)
  })

  it('gives up retryably if conflicts do not end, and passes on what is no race', async () => {
    const endless = storeThatMeets(Array<Answer>(20).fill(CONFLICT))
    const denied = storeThatMeets([failure(403, 'AccessDenied')])

    await expect(endless.store.putIfAbsent(URI, new Uint8Array(3))).rejects.toMatchObject({
      code: 'objects.conflict',
      retryable: true,
    })
    await expect(denied.store.putIfAbsent(URI, new Uint8Array(3))).rejects.toMatchObject({
      name: 'AccessDenied',
    })
  })
})

describe('reading', () => {
  it('starts again when the body breaks off, which the SDK does not repeat', async () => {
    const broken = new Readable({ read() {} })
    setImmediate(() => broken.destroy(new Error('ECONNRESET')))
    const { store, requests } = storeThatMeets([
      { status: 200, body: broken },
      { status: 200, body: 'whole' },
    ])

    expect(Buffer.from(await store.get(URI)).toString()).toBe('whole')
    expect(requests).toHaveLength(2)
  })

  it('knows a missing object from any other failure', async () => {
    const missing = storeThatMeets([failure(404, 'NoSuchKey')])
    const denied = storeThatMeets([failure(403, 'AccessDenied')])

    await expect(missing.store.get(URI)).rejects.toMatchObject({ code: 'objects.notFound' })
    await expect(denied.store.get(URI)).rejects.toMatchObject({ name: 'AccessDenied' })
    await expect(denied.store.get('file:///x')).rejects.toMatchObject({
      code: 'objects.invalidUri',
    })
  })
})

describe('writing', () => {
  it('seals under the key that was asked for, where one was', async () => {
    const { store, requests } = storeThatMeets([])

    await store.put(URI, new Uint8Array(3), { kmsKeyId: 'key', contentType: 'text/plain' })

    expect(requests[0]!.headers).toMatchObject({
      'content-type': 'text/plain',
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'key',
    })
  })

  it('locks for the days that were asked for, from now on, with the checksum that S3 then wants', async () => {
    const { store, requests } = storeThatMeets([])

    await store.putIfAbsent(URI, new Uint8Array(3), { lockDays: 10 })
    await store.putIfAbsent(URI, new Uint8Array(3))

    expect(requests[0]!.headers).toMatchObject({
      'x-amz-object-lock-mode': 'GOVERNANCE',
      'x-amz-object-lock-retain-until-date': '2026-01-11T00:00:00Z',
      'x-amz-checksum-crc32': expect.any(String),
    })
    expect(requests[1]!.headers).not.toHaveProperty('x-amz-object-lock-mode')
  })
})
