import { Duration } from 'aws-cdk-lib'
import { ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Alias, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { unsealEnvironment } from '#functions/privacy/unseal/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { allowCellKey, type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'

/** Processes that open personal fields at a time: with what each opens a minute, the most that can be carried away. */
const PROCESSES = 2

/**
 * The one place where sealed fields of a product are opened. Each purpose of the contract is an alias of the function,
 * and a policy that allows to call just that one: who has the policy may read for the purpose.
 */
export class Unseal extends Construct {
  readonly function: IFunction
  /** By purpose. */
  readonly policies: ReadonlyMap<string, ManagedPolicy>

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, keyTable, stores } = props
    const { bucket, journal } = stores
    const made = new ProductFunction(this, 'Function', {
      description: `Opens personal fields of ${product.name}`,
      codeFolder: bundles.stage('unseal', product),
      environment: {
        ...placeOf(props),
        JOURNAL_TABLE: journal.table.tableName,
        KEY_TABLE: keyTable.table.tableName,
        SUBJECT_KEY_ARN: keys.subjects.keyArn,
      } satisfies z.input<typeof unsealEnvironment>,
      memoryMib: 1024,
      timeout: Duration.minutes(1),
      concurrency: PROCESSES,
      cellKey: keys.cell,
      permissions: [
        bucket.allowGet('raw'),
        bucket.allowMissing(),
        journal.allow('Query'),
        keyTable.allow('BatchGetItem', 'GetItem'),
        allowCellKey(props),
        { actions: ['kms:Decrypt'], on: [keys.subjects.keyArn] },
      ],
    })
    this.function = made.function
    const purposes = product.contract.purposes ?? []
    this.policies = new Map(
      purposes.map((purpose) => {
        const name = `${purpose.charAt(0).toUpperCase()}${purpose.slice(1)}`
        const alias = new Alias(this, `For${name}`, {
          aliasName: purpose,
          version: made.function.latestVersion,
        })
        const policy = new ManagedPolicy(this, `May${name}`, {
          description: `May open personal fields of ${product.name} for ${purpose}`,
          statements: [
            new PolicyStatement({
              actions: ['lambda:InvokeFunction'],
              resources: [alias.functionArn],
            }),
          ],
        })
        return [purpose, policy]
      }),
    )
  }
}
