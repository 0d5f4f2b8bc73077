import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { type Answer, answering } from '../aws/fake-http.ts'

const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }

function removerThatMeets(answers: readonly Answer[]) {
  const { requestHandler, requests } = answering(answers)
  const client = new S3Client({ region: 'us-east-1', credentials, requestHandler })
  return { remover: new S3ObjectRemover({ client }), requests }
}

const partly: Answer = {
  status: 200,
  body: '<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>',
}

describe('removing objects, where S3 answers for each of them', () => {
  it('does not take an answer of 200 for removed', async () => {
    const { remover } = removerThatMeets([partly])

    await expect(remover.remove(['s3://x/a', 's3://x/b'])).rejects.toMatchObject({
      code: 'objects.notRemoved',
      retryable: true,
      message: expect.stringContaining(
        '1 of 2 objects in x were not removed, first b: AccessDenied',
      ),
    })
  })

  it('goes on with other buckets and pages, and fails at the end', async () => {
    const many = Array.from({ length: 1001 }, (_, at) => `s3://y/${at}`)
    const { remover, requests } = removerThatMeets([partly, 200, 200])

    await expect(remover.remove(['s3://x/b', ...many])).rejects.toMatchObject({
      code: 'objects.notRemoved',
    })
    expect(requests).toHaveLength(3)
  })
})
