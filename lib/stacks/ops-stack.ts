import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { Construct } from 'constructs'
import { PublishMachine } from '#lib/constructs/features/publish-machine.ts'
import { cellAlarms, productAlarms } from '#lib/constructs/ops/alarm-catalogue.ts'
import { Alarms, AlarmTopic } from '#lib/constructs/ops/alarms.ts'
import { CellDashboard } from '#lib/constructs/ops/cell-dashboard.ts'
import { MaintenanceMachine } from '#lib/constructs/ops/maintenance-machine.ts'
import type { ProductUnits } from '#lib/constructs/ops/product-metrics.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { isPublished } from '#lib/domain/features/publish/publish-run.ts'
import { productId } from '#lib/topology/names.ts'
import { cellTags, productTags } from '#lib/topology/tags.ts'
import type { Cell, Topology } from '#lib/topology/topology.ts'
import type { ProductStack } from './product-stack.ts'
import type { StateStack } from './state-stack.ts'
import { tagAll } from './tag-all.ts'

export interface OpsStackProps extends StackProps {
  readonly topology: Topology
  readonly cell: Cell
  readonly state: StateStack
  readonly products: readonly { readonly product: Product; readonly stack: ProductStack }[]
}

/** How people learn that something in the cell is wrong. Nothing on the data's path needs it. */
export class OpsStack extends Stack {
  constructor(scope: Construct, id: string, props: OpsStackProps) {
    const { topology, cell, state, products, ...stackProps } = props
    const tags = cellTags(topology, cell)
    super(scope, id, { ...stackProps, tags })
    tagAll(this, tags)
    const { topic } = new AlarmTopic(this, 'Topic', { cellKey: state.keys.cell })
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn })
    const { namespace } = topology
    const maintenance = new MaintenanceMachine(this, 'Maintenance', {
      cellKey: state.keys.cell,
      products: products.map(({ product, stack }) => ({
        product: product.name,
        schedule: product.contract.maintenance.schedule,
        maintainTable: stack.maintainTable,
      })),
    })
    new CfnOutput(this, 'MaintenanceMachine', { value: maintenance.stateMachineArn })
    const publishing = new PublishMachine(this, 'Publishing', {
      cellKey: state.keys.cell,
      products: products.map(({ product, stack }) => ({
        product: product.name,
        publishFeatures: stack.publishFeatures,
        hasViews: product.views.some(isPublished),
      })),
    })
    new CfnOutput(this, 'PublishMachine', { value: publishing.stateMachineArn })
    new Alarms(this, 'Cell', {
      prefix: `${namespace}/${cell.name}`,
      definitions: cellAlarms({ maintenance, publishing }),
      topic,
    })
    const observed: ProductUnits[] = products.map(({ product, stack }) => ({
      product: product.name,
      freshnessSeconds: product.contract.stream.freshnessSeconds,
      stream: state.storesOf(product.name).stream.stream,
      archiveEvents: stack.archiveEvents,
      commitSnapshots: stack.commitSnapshots,
      updateWindows: stack.updateWindows,
      finalizeWindows: stack.finalizeWindows,
      getFeatures: stack.getFeatures,
      maintainTable: stack.maintainTable,
    }))
    for (const [index, { product }] of products.entries()) {
      const alarms = new Alarms(this, productId(product.name), {
        prefix: `${namespace}/${product.name}`,
        definitions: productAlarms(observed[index]!),
        topic,
      })
      tagAll(alarms, productTags(topology, cell, product.contract))
    }
    new CellDashboard(this, 'Dashboard', { products: observed })
  }
}
