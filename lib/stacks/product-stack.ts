import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'
import type { Construct } from 'constructs'
import {
  BackfillFunctions,
  backfilledTablesOf,
} from '#lib/constructs/backfill/backfill-functions.ts'
import { BackfillMachine } from '#lib/constructs/backfill/backfill-machine.ts'
import { Decide, type DecisionLogTarget } from '#lib/constructs/features/decide.ts'
import { GetFeatures } from '#lib/constructs/features/get-features.ts'
import { PublishFeatures } from '#lib/constructs/features/publish-features.ts'
import { ArchiveEvents } from '#lib/constructs/ingest/archive-events.ts'
import type { FunctionBundles } from '#lib/constructs/kernel/function-bundles.ts'
import { Sweep } from '#lib/constructs/kernel/sweep.ts'
import { CommitSnapshots } from '#lib/constructs/lake/commit-snapshots.ts'
import { MaintainTable } from '#lib/constructs/lake/maintain-table.ts'
import { ProductQueries } from '#lib/constructs/lake/product-queries.ts'
import { FinalizeWindows } from '#lib/constructs/process/finalize-windows.ts'
import { UpdateWindows } from '#lib/constructs/process/update-windows.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { productTags } from '#lib/topology/tags.ts'
import type { Cell, Topology } from '#lib/topology/topology.ts'
import type { StateStack } from './state-stack.ts'
import { tagAll } from './tag-all.ts'

export interface ProductStackProps extends StackProps {
  readonly topology: Topology
  readonly cell: Cell
  readonly product: Product
  readonly bundles: FunctionBundles
  readonly state: StateStack
  /** What decisions are logged to: the stream of a product of the same cell. Throws if there is no such product. */
  readonly logOf: (product: string) => DecisionLogTarget
}

/** What one data product does in a cell. It keeps nothing: it can be deleted and deployed again. */
export class ProductStack extends Stack {
  readonly archiveEvents: IFunction
  readonly commitSnapshots: IFunction
  readonly updateWindows: IFunction
  readonly finalizeWindows: IFunction
  readonly getFeatures: IFunction
  /** Only where there is something to decide. */
  readonly decide?: IFunction
  readonly maintainTable: IFunction
  readonly publishFeatures: IFunction

  constructor(scope: Construct, id: string, props: ProductStackProps) {
    const { topology, cell, product, bundles, state, logOf, ...stackProps } = props
    const tags = productTags(topology, cell, product.contract)
    super(scope, id, { ...stackProps, tags })
    tagAll(this, tags)
    const { keys, keyTable, catalog } = state
    const stores = state.storesOf(product.name)
    const productScope = { cell, product, bundles, keys, keyTable, catalog, stores }
    this.archiveEvents = new ArchiveEvents(this, 'ArchiveEvents', productScope).function
    this.commitSnapshots = new CommitSnapshots(this, 'CommitSnapshots', productScope).function
    this.updateWindows = new UpdateWindows(this, 'UpdateWindows', productScope).function
    this.getFeatures = new GetFeatures(this, 'GetFeatures', productScope).function
    if (product.decisions.length > 0) {
      const logs = new Map(
        product.decisions.flatMap(({ log }) =>
          log === undefined ? [] : [[log.product, logOf(log.product)] as const],
        ),
      )
      this.decide = new Decide(this, 'Decide', { ...productScope, logs }).function
      this.announce('DecideFunction', this.decide)
    }
    this.finalizeWindows = new FinalizeWindows(this, 'FinalizeWindows', productScope).function
    this.maintainTable = new MaintainTable(this, 'MaintainTable', productScope).function
    // Not for a product without features: nothing of it could be computed anew.
    if (backfilledTablesOf(product).length > 0) {
      const { step, chunk } = new BackfillFunctions(this, 'Backfill', productScope)
      const machine = new BackfillMachine(this, 'BackfillMachine', {
        product: product.name,
        step,
        chunk,
        cellKey: keys.cell,
      })
      new CfnOutput(this, 'BackfillStateMachine', { value: machine.stateMachineArn })
    }
    this.publishFeatures = new PublishFeatures(this, 'PublishFeatures', productScope).function
    new ProductQueries(this, 'Queries', { product, catalog })
    new Sweep(this, 'Sweep', {
      consumers: [this.commitSnapshots, this.updateWindows, this.finalizeWindows],
    })
    this.announce('ArchiveEventsFunction', this.archiveEvents)
    this.announce('CommitSnapshotsFunction', this.commitSnapshots)
    this.announce('UpdateWindowsFunction', this.updateWindows)
    this.announce('FinalizeWindowsFunction', this.finalizeWindows)
    this.announce('GetFeaturesFunction', this.getFeatures)
    this.announce('MaintainTableFunction', this.maintainTable)
    this.announce('PublishFeaturesFunction', this.publishFeatures)
  }

  /** The command line finds functions by these keys. */
  private announce(key: string, { functionName }: IFunction): void {
    new CfnOutput(this, key, { value: functionName })
  }
}
