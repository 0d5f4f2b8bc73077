import { Duration } from 'aws-cdk-lib'
import { CfnUrl, FunctionUrlAuthType, type IFunction } from 'aws-cdk-lib/aws-lambda'
import { Construct } from 'constructs'
import type { z } from 'zod'
import type { getFeaturesEnvironment } from '#functions/features/get-features/env.ts'
import { ProductFunction } from '#lib/constructs/kernel/product-function.ts'
import { type ProductScope, placeOf } from '#lib/constructs/kernel/product-scope.ts'

/** Answers what a view says about a key, now or at a time. */
export class GetFeatures extends Construct {
  readonly function: IFunction
  /** For whoever may `lambda:InvokeFunctionUrl` on the function; requests are signed. */
  readonly url: string

  constructor(scope: Construct, id: string, props: ProductScope) {
    super(scope, id)
    const { bundles, product, keys, stores } = props
    this.function = new ProductFunction(this, 'Function', {
      description: `Answers features of ${product.name}`,
      codeFolder: bundles.stage('get-features', product),
      environment: {
        ...placeOf(props),
        SLOTS_TABLE: stores.slots.table.tableName,
        FEATURES_TABLE: stores.features.table.tableName,
      } satisfies z.input<typeof getFeaturesEnvironment>,
      memoryMib: 512,
      timeout: Duration.seconds(10),
      cellKey: keys.cell,
      permissions: [
        stores.slots.allow('BatchGetItem', 'GetItem', 'Query'),
        stores.features.allow('BatchGetItem', 'GetItem', 'Query'),
        { actions: ['kms:Decrypt'], on: [keys.cell.keyArn] },
      ],
    }).function
    this.url = new CfnUrl(this, 'Url', {
      authType: FunctionUrlAuthType.AWS_IAM,
      targetFunctionArn: this.function.functionArn,
    }).attrFunctionUrl
  }
}
