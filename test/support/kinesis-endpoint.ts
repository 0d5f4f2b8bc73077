import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { unpackRecord } from '#lib/domain/ingest/wire.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'

interface PutRecords {
  readonly Records: readonly { readonly Data: string; readonly PartitionKey: string }[]
}

/** What a call is answered with: after a while, refused in part, or never. */
export interface CallAnswer {
  readonly afterMs?: number
  /** Records by their place in the call that are throttled. */
  readonly throttled?: readonly number[]
  /** The records are taken and the connection is cut. */
  readonly isLost?: boolean
}

/** As much of Kinesis as a producer calls, on a port of its own, for producers in other processes. */
export async function kinesisEndpoint(answerOf: (call: number) => CallAnswer = () => ({})) {
  const events: string[] = []
  let calls = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', async () => {
      const { Records } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as PutRecords
      const { afterMs = 0, throttled = [], isLost = false } = answerOf(++calls)
      const answers = Records.map(({ Data }, i) => {
        if (throttled.includes(i)) {
          return { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'slow down' }
        }
        events.push(...textsOf(Buffer.from(Data, 'base64')))
        return { SequenceNumber: String(calls * 1_000 + i), ShardId: 'shardId-000000000000' }
      })
      if (isLost) return response.destroy()
      await new Promise((resolve) => setTimeout(resolve, afterMs))
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      return response.end(JSON.stringify({ FailedRecordCount: throttled.length, Records: answers }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    /** Texts of the events that it took, in order. */
    events,
    get calls() {
      return calls
    },
    environment: {
      AWS_ENDPOINT_URL_KINESIS: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function textsOf(data: Uint8Array): string[] {
  const record = { sequence: sequenceNumber('1'), arrivalMicros: 0, data }
  return unpackRecord(record).map((one) => (one.kind === 'event' ? one.text : one.reason))
}
