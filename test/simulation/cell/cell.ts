import { ArchiveChecks } from '../checks/archive-checks.ts'
import { TableChecks } from '../checks/table-checks.ts'
import { Violation } from '../checks/violation.ts'
import { DynamoDbModel, type ItemChange } from '../cloud/dynamodb.ts'
import {
  ARCHIVE_MAPPING,
  type DeliveryRisks,
  EventSourceMapping,
} from '../cloud/event-source-mapping.ts'
import { GlueModel } from '../cloud/glue.ts'
import { KinesisModel } from '../cloud/kinesis.ts'
import {
  FunctionModel,
  type Handler,
  type Interruption,
  type InvocationRisks,
} from '../cloud/lambda.ts'
import { type CallRisks, Network } from '../cloud/network.ts'
import type { Process } from '../cloud/process.ts'
import { S3Model } from '../cloud/s3.ts'
import { isInjected } from '../cloud/service-errors.ts'
import type { Choices } from '../kernel/choices.ts'
import type { Scheduler } from '../kernel/scheduler.ts'
import { type BellRisks, Consumer } from './consumer.ts'
import type { SentRecord } from './events.ts'
import { archiveEventsOf, type Cloud, commitSnapshotsOf, type WorkLimits } from './functions.ts'
import {
  DEPLOYMENTS,
  type Deployment,
  JOURNAL_TABLE,
  type SlotSettings,
  viewOf,
  type WindowKind,
} from './product.ts'
import { WindowPart } from './window-part.ts'

export interface CellRisks {
  readonly calls: CallRisks
  readonly invocations: InvocationRisks
  readonly deliveries: DeliveryRisks
  readonly bells: BellRisks
}

export interface CellSettings {
  readonly risks: CellRisks
  readonly shards: number
  /** What may be deployed in this run. */
  readonly deployments: readonly Deployment[]
  /** What windows its view has. */
  readonly windows: WindowKind
  readonly slots?: SlotSettings
  /** How long a batch gathers. @default that of the deployed mapping */
  readonly windowMs?: number
  /** Records that are delivered together, at most. @default that of the deployed mapping */
  readonly batchSize?: number
  /** How long bells of the commit gather. @default 1000 */
  readonly gatherMs?: number
  /** How long a failed delivery waits. @default that of the deployed mapping */
  readonly backoffMs?: number
  /** How much the functions do at once. @default what they do when they are deployed */
  readonly limits?: WorkLimits
}

const MINUTE_MS = 60_000
/** Longer than the dedup horizon, as it is everywhere. */
const RETENTION_MS = 90 * MINUTE_MS
const SWEEPS_UNTIL_DRAINED = 50

/** Errors that a handler may throw although no call of its own failed. */
const EXPECTED = new Set([
  'lake.commitAttemptsExhausted',
  'lake.rolledBack',
  'lake.onHold',
  'contract.versionUnknown',
  'objects.conflict',
])

/** One product's cell: its stores, its functions and what wakes them, each effect held against what must be true. */
export class Cell {
  readonly cloud: Cloud
  readonly network: Network
  readonly archive: ArchiveChecks
  readonly table: TableChecks
  readonly windows: WindowPart
  readonly mapping: EventSourceMapping<SentRecord, unknown>
  deployment: Deployment = 'first'
  readonly #scheduler: Scheduler
  readonly #functions: readonly FunctionModel<never, unknown>[]
  readonly #archiver: FunctionModel<never, unknown>
  readonly #consumers: readonly Consumer[]
  readonly #committer: Consumer
  #isSweeping = false

  constructor(
    options: CellSettings & {
      readonly scheduler: Scheduler
      readonly choices: Choices
      readonly log: (actor: string, what: string) => void
    },
  ) {
    const { scheduler, choices, risks, log } = options
    this.#scheduler = scheduler
    const nowMs = () => scheduler.nowMs
    const network = new Network({ scheduler, choices, risks: risks.calls, log })
    this.network = network
    const s3 = new S3Model({
      network,
      choices,
      nowMs,
      onChange: (change) => {
        this.archive.onObject(change)
        this.table.onObject(change)
        this.windows.onObject(change)
      },
    })
    const dynamodb = new DynamoDbModel({
      network,
      choices,
      nowMs,
      onChange: (change) => this.#onItem(change),
    })
    const glue = new GlueModel({
      network,
      onChange: (change) => {
        if (!this.windows.onTable(change)) this.table.onTable(change)
        // A table that was rolled back has something to do again.
        this.#sweepUntilDrained()
      },
    })
    const stream = new KinesisModel<SentRecord>({
      network,
      choices,
      nowMs,
      shards: options.shards,
      retentionMs: RETENTION_MS,
      // A shard that came and went while nobody asked for shards is forgotten for good: limits say so.
      mayForget: (id) => this.archive.isRegistered(id),
    })
    this.cloud = { scheduler, choices, s3, dynamodb, glue, stream }
    const readings = [...new Set(options.deployments.map((one) => one === 'strict'))]
    const fail = (error: unknown) => scheduler.fail(error)
    this.archive = new ArchiveChecks({ stream, s3, readings, fail })
    const isRead = (shard: string, last: string) => this.windows.isRead(shard, last)
    this.table = new TableChecks({ s3, archive: this.archive, isRead, fail })

    const functionOf = <Event, Result>(
      name: string,
      timeoutMs: number,
      create: (process: Process) => Handler<Event, Result>,
    ) =>
      new FunctionModel<Event, Result>({
        settings: { name, timeoutMs },
        scheduler,
        choices,
        risks: risks.invocations,
        create,
        onError: (process, error) => {
          log(process.name, `throws ${error instanceof Error ? error.message : String(error)}`)
          this.#onError(process, error)
        },
      })
    const contracts = () => DEPLOYMENTS[this.deployment]
    const archiveEvents = functionOf('archive', 15 * MINUTE_MS, (process) =>
      archiveEventsOf(this.cloud, contracts(), process),
    )
    const commitSnapshots = functionOf('commit', 2 * MINUTE_MS, (process) =>
      commitSnapshotsOf(this.cloud, contracts(), process, options.limits),
    )
    const consumerOf = (one: FunctionModel<unknown, unknown>, gatherMs: number | undefined) =>
      new Consumer({ function: one, scheduler, choices, risks: risks.bells, gatherMs })
    this.windows = new WindowPart({
      cloud: this.cloud,
      archive: this.archive,
      view: viewOf(options.windows, options.slots),
      kind: options.windows,
      contracts,
      ...(options.limits && { limits: options.limits }),
      functionOf,
      consumerOf: (one, hasBell) => consumerOf(one, hasBell ? 0 : undefined),
      fail,
    })
    this.#archiver = archiveEvents
    this.#functions = [archiveEvents, commitSnapshots, ...this.windows.functions]
    this.mapping = new EventSourceMapping({
      scheduler,
      choices,
      stream,
      function: archiveEvents,
      settings: {
        ...ARCHIVE_MAPPING,
        batchSize: options.batchSize ?? ARCHIVE_MAPPING.batchSize,
        windowMs: options.windowMs ?? ARCHIVE_MAPPING.windowMs,
        backoffMs: options.backoffMs ?? ARCHIVE_MAPPING.backoffMs,
      },
      risks: risks.deliveries,
    })
    this.#committer = consumerOf(commitSnapshots, options.gatherMs ?? 1000)
    this.#consumers = [this.#committer, ...this.windows.consumers]
  }

  /** Other code, or other contracts; instances at work go on with what they have. */
  deploy(deployment: Deployment): void {
    this.deployment = deployment
    for (const one of this.#functions) one.deploy()
  }

  /** Likewise, but in the middle of an invocation that archives, which may be given up of it: the next attempt has other code. */
  deployAmid(
    deployment: Deployment,
    { atCall, isGivenUp }: Pick<Interruption, 'atCall' | 'isGivenUp'>,
  ): void {
    this.#archiver.interrupt({ atCall, isGivenUp, happens: () => this.deploy(deployment) })
  }

  /** Nothing is taken from the stream for so long: what comes meanwhile is one batch. */
  pauseArchive(ms: number): void {
    this.mapping.awayUntilMs = this.#scheduler.nowMs + ms
  }

  /** Nothing is committed for so long. */
  pauseCommits(ms: number): void {
    this.#committer.awayUntilMs = this.#scheduler.nowMs + ms
    this.#sweepUntilDrained()
  }

  /** Events that the stream took. */
  received(): number {
    const records = this.cloud.stream.shards.flatMap((shard) => shard.records)
    return records.reduce((sum, { content }) => sum + Math.max(1, content.events.length), 0)
  }

  isDrained(): boolean {
    return (
      this.mapping.isDrained() &&
      this.archive.isDrained() &&
      this.table.isDrained() &&
      this.windows.isDrained()
    )
  }

  /** Lets everything happen that happens by itself, and the minute's sweep ring until nothing is left to do. */
  async drain(): Promise<void> {
    await this.#scheduler.run()
    for (let sweep = 0; !this.isDrained(); sweep++) {
      if (sweep === SWEEPS_UNTIL_DRAINED) throw new Violation(`not drained: ${this.#lagging()}`)
      for (const consumer of this.#consumers) consumer.sweep()
      this.#scheduler.after(MINUTE_MS, 'sweep', 'a minute passes', () => {})
      await this.#scheduler.run()
    }
    await this.windows.settle()
  }

  #lagging(): string {
    const parts = {
      stream: this.mapping,
      journal: this.archive,
      table: this.table,
      windows: this.windows,
    }
    return Object.entries(parts)
      .filter(([, part]) => !part.isDrained())
      .map(([name]) => name)
      .join(', ')
  }

  #onItem(change: ItemChange): void {
    const entry = this.archive.onItem(change)
    if (entry !== undefined) this.windows.onEntry(entry)
    this.windows.onItem(change)
    if (change.table !== JOURNAL_TABLE) return
    for (const consumer of this.#consumers) consumer.bell(`${change.partition}/${change.sort}`)
    this.#sweepUntilDrained()
  }

  #sweepUntilDrained(): void {
    if (this.#isSweeping) return
    this.#isSweeping = true
    this.#scheduler.after(MINUTE_MS, 'sweep', 'rings', () => {
      this.#isSweeping = false
      // A real sweep rings for ever, also those that have nothing to do: which costs and changes nothing.
      const isBehind = !this.windows.isDrained() || !this.windows.isFinalized()
      if (this.table.isDrained() && !isBehind) return
      if (isBehind) for (const one of this.windows.consumers) one.sweep()
      if (!this.table.isDrained()) this.#committer.sweep()
      this.#sweepUntilDrained()
    })
  }

  /** A handler may fail because a store did; anything else is a defect. */
  #onError(process: Process, error: unknown): void {
    const code = (error as { code?: unknown }).code
    if (isInjected(error) || EXPECTED.has(String(code))) return
    // Given up long ago, it goes on from a table whose objects maintenance has removed since, or with a shard that has gone.
    const isForgotten = code === 'objects.notFound' || code === 'lineage.shardUnknown'
    if (process.zombie !== undefined && isForgotten) return
    // A shard that waits is told in words, without the error that made it wait.
    if (code === 'verdicts.unreadable' && process.hasMetFault) return
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#scheduler.fail(new Violation(`${process.name} failed by itself: ${text}`))
  }
}
