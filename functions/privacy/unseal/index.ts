import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { KMSClient } from '@aws-sdk/client-kms'
import { S3Client } from '@aws-sdk/client-s3'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { readProductBundle } from '#lib/adapters/bundle/product-bundle.ts'
import { DynamoDbJournal } from '#lib/adapters/dynamodb/dynamodb-journal.ts'
import { DynamoDbKeyTable } from '#lib/adapters/dynamodb/dynamodb-key-table.ts'
import { KmsKeyWrapper } from '#lib/adapters/kms/kms-key-wrapper.ts'
import { createLog } from '#lib/adapters/log/powertools-log.ts'
import { S3ObjectStore } from '#lib/adapters/s3/s3-object-store.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { contractVersions } from '#lib/domain/contract/contract-versions.ts'
import { readEnvironment } from '#lib/domain/kernel/environment.ts'
import { BranchKeys } from '#lib/domain/privacy/branch-keys.ts'
import { RowRate } from '#lib/domain/privacy/row-rate.ts'
import { KeyReader } from '#lib/domain/privacy/subject-keys.ts'
import { unsealEnvironment } from './env.ts'
import { makeHandler } from './handler.ts'

const env = readEnvironment(unsealEnvironment, process.env)
const config = clientConfig({ region: env.WEIR_REGION })
const { documents } = readProductBundle(import.meta.dirname)
const contracts = contractVersions(documents)
const client = new DynamoDBClient(config)
const table = new DynamoDbKeyTable({ client, tableName: env.KEY_TABLE })
const wrapper = new KmsKeyWrapper({ client: new KMSClient(config), keyArn: env.SUBJECT_KEY_ARN })

export const handler = makeHandler({
  contract: contracts.current,
  contracts,
  journal: new DynamoDbJournal({ client, tableName: env.JOURNAL_TABLE }),
  objects: new S3ObjectStore({ client: new S3Client(config) }),
  table,
  subjects: new KeyReader(
    new BranchKeys({ table, wrapper, clock: systemClock, cell: env.WEIR_CELL }),
  ),
  rate: new RowRate(systemClock),
  log: createLog(env),
})
