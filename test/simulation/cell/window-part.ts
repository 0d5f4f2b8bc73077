import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { featureTableName } from '#lib/domain/process/feature-table.ts'
import type { FinalizeReport } from '#lib/domain/process/finalize-windows.ts'
import { subSlotsOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import type { ArchiveChecks, CheckedEntry } from '../checks/archive-checks.ts'
import { FeatureChecks } from '../checks/feature-checks.ts'
import { Violation } from '../checks/violation.ts'
import { WindowChecks } from '../checks/window-checks.ts'
import { WindowOracle } from '../checks/window-oracle.ts'
import type { ItemChange } from '../cloud/dynamodb.ts'
import type { TableChange } from '../cloud/glue.ts'
import type { FunctionModel, Handler } from '../cloud/lambda.ts'
import type { Process } from '../cloud/process.ts'
import type { ObjectChange } from '../cloud/s3.ts'
import type { Consumer } from './consumer.ts'
import type { Cloud, WorkLimits } from './functions.ts'
import { DATABASE, DEPLOYMENTS, PRODUCT, SLOTS_TABLE, type WindowKind } from './product.ts'
import { finalizeWindowsOf, updateWindowsOf } from './windows.ts'

type Create<Result> = (process: Process) => Handler<unknown, Result>

/** What the window part needs from the cell it is in. */
export interface WindowPartOptions {
  readonly cloud: Cloud
  readonly archive: ArchiveChecks
  readonly view: ViewDefinition
  readonly kind: WindowKind
  readonly limits?: WorkLimits
  readonly contracts: () => (typeof DEPLOYMENTS)[keyof typeof DEPLOYMENTS]
  readonly functionOf: <Result>(
    name: string,
    timeoutMs: number,
    create: Create<Result>,
  ) => FunctionModel<unknown, Result>
  readonly consumerOf: (one: FunctionModel<unknown, unknown>, hasBell: boolean) => Consumer
  readonly fail: (error: unknown) => void
}

const MINUTE_MS = 60_000
const MOST_FINAL_RUNS = 50

/** Windows, from the journal to the feature table: their functions, and what must be true of what these write. */
export class WindowPart {
  readonly view: ViewDefinition
  readonly checks: WindowChecks
  readonly features: FeatureChecks
  readonly functions: readonly FunctionModel<unknown, unknown>[]
  readonly consumers: readonly Consumer[]
  readonly #cloud: Cloud
  readonly #oracle: WindowOracle
  readonly #finalize: FunctionModel<unknown, FinalizeReport>
  readonly tableName: string
  readonly #featureTable: string
  #finalRuns = 0
  /** How often a cursor has moved, and how often it had when finals were computed that came to an end. */
  #moves = 0
  #finalizedMoves = 0

  constructor(options: WindowPartOptions) {
    const { cloud, archive, view, kind, contracts, limits, fail } = options
    this.#cloud = cloud
    this.view = view
    this.tableName = featureTableName(PRODUCT, this.view)
    this.#featureTable = `${DATABASE}.${this.tableName}`
    this.#oracle = new WindowOracle(kind)
    this.features = new FeatureChecks({
      s3: cloud.s3,
      stream: cloud.stream,
      archive,
      oracle: this.#oracle,
      windows: () => this.checks,
      fail,
    })
    this.checks = new WindowChecks({
      archive,
      oracle: this.#oracle,
      view: this.view,
      contract: DEPLOYMENTS.widened.current,
      finality: this.features,
      nowMs: () => cloud.scheduler.nowMs,
      fail,
    })
    const update = options.functionOf('windows', 2 * MINUTE_MS, (process) =>
      updateWindowsOf(cloud, contracts(), this.view, process, limits),
    )
    this.#finalize = options.functionOf('finalize', 15 * MINUTE_MS, (process) =>
      this.#noted(finalizeWindowsOf(cloud, contracts(), this.view, process, limits)),
    )
    this.functions = [update, this.#finalize]
    this.consumers = [
      options.consumerOf(update, true),
      // Only the sweep rings it.
      options.consumerOf(this.#finalize, false),
    ]
  }

  onEntry(entry: CheckedEntry): void {
    this.#oracle.onEntry(entry)
  }

  onItem(change: ItemChange): void {
    if (this.checks.onItem(change)) this.#moves++
  }

  onObject(change: ObjectChange): void {
    this.checks.onObject(change)
  }

  /** Whether the table was one of this part's. */
  onTable(change: TableChange): boolean {
    if (change.table !== this.#featureTable) return false
    this.features.onTable(change)
    return true
  }

  /** Whether an entry's rows are still to be added to slots, or looked at for what they change in final rows. */
  isRead(shard: string, last: string): boolean {
    const cursor = this.checks.cursor(shard)
    if (cursor === undefined || cursor < last) return true
    return this.#oracle.kind !== 'running' && !this.features.isTaken(shard, last)
  }

  isDrained(): boolean {
    return this.checks.isDrained()
  }

  /** Whether finals were computed, and slots let go, since a cursor moved last: until then the sweep has to ring. */
  isFinalized(): boolean {
    return this.#finalizedMoves === this.#moves
  }

  /** A success counts, whether or not anybody waits for it. */
  #noted<Event, Result>(handler: Handler<Event, Result>): Handler<Event, Result> {
    return async (event) => {
      const moves = this.#moves
      const result = await handler(event)
      this.#finalizedMoves = Math.max(this.#finalizedMoves, moves)
      return result
    }
  }

  /** When all else is at rest: finalizes until nothing is left to do, and holds the outcome against the oracle. */
  async settle(): Promise<void> {
    const { scheduler, dynamodb } = this.#cloud
    this.features.comesToRest()
    for (let run = 0; ; run++) {
      if (run === MOST_FINAL_RUNS) throw new Violation('finalize-windows does not come to an end')
      let commits: number | undefined
      scheduler.spawn(async () => {
        const ended = await this.#finalize.invoke({ bell: 'sweep' }, `settle${++this.#finalRuns}`)
        if (ended.status === 'succeeded') commits = ended.result.commits
        else await scheduler.sleep(MINUTE_MS, 'settle', 'a sweep later')
      })
      await scheduler.run()
      if (commits === 0) break
    }
    const client = dynamodb.inspector()
    const subSlots = subSlotsOf([this.view])
    await this.checks.mustBeComplete(
      new DynamoDbSlotStore({ client, tableName: SLOTS_TABLE, subSlots }),
    )
    this.features.mustBeComplete()
    this.checks.mustGo()
  }
}
