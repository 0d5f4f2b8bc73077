import type { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { KMSClient } from '@aws-sdk/client-kms'
import type { z } from 'zod'
import { DynamoDbKeyTable } from '#lib/adapters/dynamodb/dynamodb-key-table.ts'
import { deriveLookupKey } from '#lib/adapters/kms/identity-key.ts'
import { KmsKeyWrapper } from '#lib/adapters/kms/kms-key-wrapper.ts'
import { systemClock, systemRandom } from '#lib/adapters/system/system.ts'
import { BranchKeys } from '#lib/domain/privacy/branch-keys.ts'
import type { Sealing } from '#lib/domain/privacy/seal-records.ts'
import { SubjectKeys } from '#lib/domain/privacy/subject-keys.ts'
import { UnknownContent } from '#lib/domain/privacy/unknown-content.ts'
import type { archiveEventsEnvironment } from './env.ts'

/** The cell's keys, for a product with personal fields; any other asks KMS for nothing. */
export async function sealingOf({
  env,
  kms,
  dynamoDb,
}: {
  readonly env: z.output<typeof archiveEventsEnvironment>
  readonly kms: KMSClient
  readonly dynamoDb: DynamoDBClient
}): Promise<Sealing | undefined> {
  const { KEY_TABLE: tableName, SUBJECT_KEY_ARN: keyArn, WEIR_CELL: cell } = env
  if (tableName === undefined || keyArn === undefined) return undefined
  const table = new DynamoDbKeyTable({ client: dynamoDb, tableName })
  const wrapper = new KmsKeyWrapper({ client: kms, keyArn })
  const unknownWrapper = new KmsKeyWrapper({ client: kms, keyArn: env.UNDECODABLE_KEY_ARN })
  const shared = { clock: systemClock, random: systemRandom }
  return {
    random: systemRandom,
    unknown: new UnknownContent({ ...shared, wrapper: unknownWrapper, cell }),
    subjects: new SubjectKeys({
      ...shared,
      table,
      branches: new BranchKeys({ table, wrapper, clock: systemClock, cell }),
      lookupKey: await deriveLookupKey(kms, env.IDENTITY_KEY_ARN),
    }),
  }
}
