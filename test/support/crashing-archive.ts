/**
 * A process that archives records against real stores and is killed, with SIGKILL, at its n-th effect.
 * Reads its task as JSON from the first argument; prints the number of effects if it lives to the end.
 */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { Archive } from '#lib/domain/ingest/archive.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Fault, FaultyProcess } from './faults.ts'
import { tripsContract } from './memory-cell.ts'

export interface CrashTask {
  readonly at: number
  readonly fault: Fault
  readonly shard: string
  readonly bucket: string
  readonly journalTable: string
  readonly undecodableKeyId: string
  readonly records: readonly {
    readonly digits: string
    readonly arrivalMicros: number
    readonly data: string
  }[]
}

const task = JSON.parse(process.argv[2]!) as CrashTask
const config = clientConfig({ region: 'us-east-1' })
const faulty = new FaultyProcess(task.at, task.fault, () => process.kill(process.pid, 'SIGKILL'))
const contract = await tripsContract()
const archive = new Archive({
  contracts: { current: contract, byVersion: () => contract },
  journal: faulty.journal(
    new DynamoDbJournal({ client: new DynamoDBClient(config), tableName: task.journalTable }),
  ),
  objects: faulty.objects(new S3ObjectStore({ client: new S3Client(config) })),
  lineage: { parents: async () => new Map() },
  identify: keyedIdentity(new Uint8Array(32)),
  layout: { bucket: task.bucket, region: 'us-east-1', product: 'trips' },
  undecodableKeyId: task.undecodableKeyId,
})
await archive.take(
  task.shard,
  task.records.map((record) => ({
    sequence: sequenceNumber(record.digits),
    arrivalMicros: record.arrivalMicros,
    data: Buffer.from(record.data, 'base64'),
  })),
)
process.stdout.write(String(faulty.log.length))
