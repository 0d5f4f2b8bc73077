import { Duration } from 'aws-cdk-lib'
import type { Metric } from 'aws-cdk-lib/aws-cloudwatch'
import type { IStream } from 'aws-cdk-lib/aws-kinesis'
import type { IFunction } from 'aws-cdk-lib/aws-lambda'

/** What is observed of one data product. */
export interface ProductUnits {
  readonly product: string
  /** How long a batch may gather: so old events may be before anything is wrong. */
  readonly freshnessSeconds: number
  readonly stream: IStream
  readonly archiveEvents: IFunction
  readonly commitSnapshots: IFunction
  readonly updateWindows: IFunction
  readonly finalizeWindows: IFunction
  readonly getFeatures: IFunction
}

const MINUTE = Duration.minutes(1)

/** Age of the oldest event that the archive has not taken, ms. */
export function iteratorAge({ archiveEvents }: ProductUnits): Metric {
  return archiveEvents.metric('IteratorAge', { statistic: 'max', period: MINUTE })
}

export function errors(unit: IFunction): Metric {
  return unit.metricErrors({ period: MINUTE })
}

export function invocations(unit: IFunction): Metric {
  return unit.metricInvocations({ period: MINUTE })
}

export function duration(unit: IFunction): Metric {
  return unit.metricDuration({ statistic: 'p95', period: MINUTE })
}

export function incomingRecords({ stream }: ProductUnits): Metric {
  return stream.metric('IncomingRecords', { statistic: 'sum', period: MINUTE })
}

export function incomingBytes({ stream }: ProductUnits): Metric {
  return stream.metric('IncomingBytes', { statistic: 'sum', period: MINUTE })
}

export function refusedReads({ stream }: ProductUnits): Metric {
  return stream.metric('ReadProvisionedThroughputExceeded', { statistic: 'sum', period: MINUTE })
}

export function refusedWrites({ stream }: ProductUnits): Metric {
  return stream.metric('WriteProvisionedThroughputExceeded', { statistic: 'sum', period: MINUTE })
}
