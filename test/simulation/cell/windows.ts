import { makeHandler as finalizeWindows } from '#functions/process/finalize-windows/handler.ts'
import { makeHandler as updateWindows } from '#functions/process/update-windows/handler.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { slotsOfGenerations } from '#lib/adapters/dynamodb/slots-of-generations.ts'
import { KinesisStreamProgress } from '#lib/adapters/kinesis/stream-progress.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { jitteredBackoff } from '#lib/domain/lake/backoff.ts'
import type { FinalizeReport } from '#lib/domain/process/finalize-windows.ts'
import type { UpdateReport } from '#lib/domain/process/update-windows.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { Handler } from '../cloud/lambda.ts'
import type { Process } from '../cloud/process.ts'
import { type Cloud, clockOf, journalOf, lakeOf, objectsOf, type WorkLimits } from './functions.ts'
import { DATABASE, LAYOUT, SLOTS_TABLE, STREAM_ARN } from './product.ts'

const SILENT = { info: () => {}, error: () => {} }

export function slotsOf({ dynamodb }: Cloud, process: Process) {
  return slotsOfGenerations({ client: dynamodb.client(process), tableName: SLOTS_TABLE })
}

export function generationsOf({ dynamodb }: Cloud, process: Process): DynamoDbGenerationStore {
  return new DynamoDbGenerationStore({ client: dynamodb.client(process), tableName: SLOTS_TABLE })
}

/** `functions/process/update-windows`, as its `index.ts` wires it. */
export function updateWindowsOf(
  cloud: Cloud,
  contracts: ContractVersions,
  view: ViewDefinition,
  process: Process,
  limits?: WorkLimits,
): Handler<unknown, UpdateReport> {
  return updateWindows({
    log: SILENT,
    contracts,
    views: [view],
    journal: journalOf(cloud, process),
    objects: objectsOf(cloud, process),
    generations: generationsOf(cloud, process),
    slotsOf: slotsOf(cloud, process),
    clock: clockOf(cloud, process),
    layout: LAYOUT,
    ...(limits && { maxEntries: limits.entries }),
  })
}

/** `functions/process/finalize-windows`, as its `index.ts` wires it. */
export function finalizeWindowsOf(
  cloud: Cloud,
  contracts: ContractVersions,
  view: ViewDefinition,
  process: Process,
  limits?: WorkLimits,
): Handler<unknown, FinalizeReport> {
  const sleep = (ms: number) => cloud.scheduler.sleep(ms, process.name, 'after a conflict')
  const random = cloud.choices.random(`backoff ${process.name}`)
  return finalizeWindows({
    log: SILENT,
    lake: lakeOf(cloud, process),
    journal: journalOf(cloud, process),
    generations: generationsOf(cloud, process),
    slotsOf: slotsOf(cloud, process),
    stream: new KinesisStreamProgress({
      client: cloud.stream.client(process),
      streamArn: STREAM_ARN,
    }),
    contracts,
    views: [view],
    layout: LAYOUT,
    database: DATABASE,
    commit: { pause: jitteredBackoff({ sleep, random }) },
    ...(limits && {
      maxEntriesPerShard: limits.entries,
      limits: { maxWindows: limits.windows, maxRows: limits.rows, chunkRows: limits.rows },
    }),
  })
}
