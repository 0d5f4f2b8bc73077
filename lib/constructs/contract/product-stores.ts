import type { RemovalPolicy } from 'aws-cdk-lib'
import { StreamViewType } from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { Construct } from 'constructs'
import { EventStream } from '#lib/constructs/ingest/event-stream.ts'
import { ItemTable } from '#lib/constructs/kernel/item-table.ts'
import { ProductBucket } from '#lib/constructs/lake/product-bucket.ts'
import { RecordTables } from '#lib/constructs/lake/record-tables.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { checkPersonalFields } from '#lib/guardrails/personal-fields.ts'
import { checkRetention } from '#lib/guardrails/retention.ts'

export interface ProductStoresProps {
  readonly contract: Contract
  /** Where the contract was read from, for messages. */
  readonly contractFile: string
  readonly database: string
  readonly cellKey: IKey
  readonly removalPolicy: RemovalPolicy
}

/** Everything that one data product keeps in one cell. A product shares no store, so a bad producer hurts one product. */
export class ProductStores extends Construct {
  readonly stream: EventStream
  readonly bucket: ProductBucket
  readonly journal: ItemTable
  readonly slots: ItemTable
  /** What is published of the product's views, who published it and why. */
  readonly features: ItemTable

  constructor(scope: Construct, id: string, props: ProductStoresProps) {
    super(scope, id)
    const { contract, contractFile, database, cellKey, removalPolicy } = props
    checkPersonalFields(contract, contractFile)
    checkRetention(contract, contractFile)
    this.stream = new EventStream(this, 'Events', { contract, cellKey, removalPolicy })
    this.bucket = new ProductBucket(this, 'Objects', { contract, cellKey, removalPolicy })
    this.journal = new ItemTable(this, 'Journal', {
      cellKey,
      removalPolicy,
      // Its stream rings the consumers. It carries no more than a bell has to.
      stream: StreamViewType.KEYS_ONLY,
    })
    this.slots = new ItemTable(this, 'Slots', { cellKey, removalPolicy, expiry: 'expiresAt' })
    this.features = new ItemTable(this, 'Features', { cellKey, removalPolicy, expiry: 'expiresAt' })
    new RecordTables(this, 'Records', { database, bucket: this.bucket.bucket, contract })
  }
}
