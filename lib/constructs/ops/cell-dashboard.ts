import {
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch'
import { Construct } from 'constructs'
import {
  duration,
  errors,
  incomingBytes,
  incomingRecords,
  invocations,
  iteratorAge,
  type ProductUnits,
  refusedReads,
  refusedWrites,
} from './product-metrics.ts'

export interface CellDashboardProps {
  readonly products: readonly ProductUnits[]
}

/** One page for a cell, a row for each product: what comes in, how old it gets, what fails, how long it takes. */
export class CellDashboard extends Construct {
  constructor(scope: Construct, id: string, props: CellDashboardProps) {
    super(scope, id)
    new Dashboard(this, 'Dashboard', { widgets: props.products.flatMap(rowsOf) })
  }
}

function rowsOf(units: ProductUnits): IWidget[][] {
  const functions = [
    units.archiveEvents,
    units.commitSnapshots,
    units.updateWindows,
    units.finalizeWindows,
    units.getFeatures,
  ]
  return [
    [new TextWidget({ markdown: `## ${units.product}`, width: 24, height: 1 })],
    [
      graph('Into the stream', [incomingRecords(units)], [incomingBytes(units)]),
      graph('Age of the oldest event not archived', [iteratorAge(units)]),
      graph('Refused by the stream', [refusedReads(units), refusedWrites(units)]),
      graph('Invocations', functions.map(invocations)),
      graph('Errors', functions.map(errors)),
      graph('Duration, p95', functions.map(duration)),
    ],
  ]
}

function graph(title: string, left: IMetric[], right: IMetric[] = []): GraphWidget {
  return new GraphWidget({ title, left, right, width: 4, height: 6 })
}
