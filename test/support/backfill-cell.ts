import { MemoryBackfillStore } from '#lib/adapters/memory/memory-backfill-store.ts'
import type { BackfillEvent } from '#lib/domain/backfill/announce.ts'
import { decideOn } from '#lib/domain/backfill/approve.ts'
import type { Backfill, Decision } from '#lib/domain/backfill/backfill.ts'
import { planOf } from '#lib/domain/backfill/extents.ts'
import {
  requestOf,
  type StartOptions,
  startBackfill,
  type WantedBackfill,
} from '#lib/domain/backfill/request.ts'
import { rollBackBackfill } from '#lib/domain/backfill/roll-back.ts'
import { type RunChunkDependencies, runChunk } from '#lib/domain/backfill/run-chunk.ts'
import { runStep, type StepAnswer, type StepDependencies } from '#lib/domain/backfill/steps.ts'
import { stopBackfill } from '#lib/domain/backfill/stop.ts'
import { fromRows } from '#lib/domain/backfill/window-rows.ts'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { hasCode, PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import { loadTable, type Table } from '#lib/domain/lake/table.ts'
import { planScan, readPlanned } from '#lib/domain/lake/table-scan.ts'
import { featureTableName, finalRowKeys, valueTexts } from '#lib/domain/process/feature-table.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import { FaultyProcess, InjectedFault } from './faults.ts'
import { GenerationCell } from './generation-cell.ts'

const NO_FAULT = () => new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')
const TOKEN = 'task-token'

/** Steps that a run may take before it counts as going round in circles. */
const MOST_STEPS = 60

/** A cell with backfills, and what the state machine does with them: each step in a process of its own. */
export class BackfillCell extends GenerationCell {
  readonly store = new MemoryBackfillStore()
  readonly told: BackfillEvent[] = []
  readonly woken: string[] = []
  /** Comes between the process and the catalog. */
  catalogOf: (catalog: Catalog) => Catalog = (catalog) => catalog
  /** Files and rows that chunks have computed. */
  computed = 0
  #nextId = 0n

  constructor(contract: Contract, views: readonly ViewDefinition[]) {
    super(contract, views)
  }

  deps(process: FaultyProcess = NO_FAULT()): RunChunkDependencies & StepDependencies {
    const { cell } = this
    const lost = () =>
      new PlatformError('lake.commitStateUnknown', 'answer lost', { retryable: true })
    const objects = process.objects(cell.objects)
    const tell = process.sender<BackfillEvent>(async (event) => {
      this.told.push(event)
    })
    return {
      store: process.backfills(this.store),
      lake: {
        objects,
        catalog: this.catalogOf(process.catalog(cell.catalog, lost)),
        clock: cell.clock,
        ids: { snapshotId: () => ++this.#nextId + 5_000_000n, uuid: () => `bf-${++this.#nextId}` },
      },
      layout: { ...cell.layout, product: cell.contract.product },
      database: 'weir',
      contracts: cell.contracts,
      views: cell.views,
      clock: cell.clock,
      announce: tell,
      wake: async (token) => {
        this.woken.push(token)
      },
      compute: (wanted) => {
        this.computed++
        return fromRows(objects)(wanted)
      },
    }
  }

  async plan(wanted: WantedBackfill, approveAboveUsd?: number) {
    const deps = this.deps()
    const terms = { parallel: 4, ...(approveAboveUsd === undefined ? {} : { approveAboveUsd }) }
    return planOf(deps, requestOf(deps, wanted), terms)
  }

  async start(
    wanted: WantedBackfill,
    options: StartOptions & { readonly approveAboveUsd?: number } = {},
  ) {
    const deps = this.deps()
    const { approveAboveUsd, ...rest } = options
    const plan = await this.plan(wanted, approveAboveUsd)
    const who = { by: 'ann', reason: 'the fares were wrong' }
    return startBackfill(deps, requestOf(deps, wanted), plan, who, rest)
  }

  step(id: string, step: Parameters<typeof runStep>[1]['step'], process = NO_FAULT()) {
    return runStep(this.deps(process), { backfill: id, step, token: TOKEN })
  }

  chunk(id: string, chunk: string, process = NO_FAULT()) {
    return runChunk(this.deps(process), id, chunk)
  }

  /**
   * What the state machine does until it waits or ends. `process` is the first process; once it is dead, or a step has failed
   * in it, the step is tried again in a healthy one. `between` is called before each step and chunk.
   */
  async run(
    id: string,
    options: {
      readonly process?: FaultyProcess
      readonly between?: (at: string) => Promise<void>
    } = {},
  ): Promise<Backfill> {
    let { process } = options
    const attempt = async <T>(work: (one: FaultyProcess) => Promise<T>): Promise<T> => {
      if (process === undefined) return work(NO_FAULT())
      try {
        return await work(process)
      } catch (error) {
        if (!(error instanceof InjectedFault) && !hasCode(error, 'lake.commitStateUnknown')) {
          throw error
        }
        process = undefined
        return work(NO_FAULT())
      }
    }
    try {
      let answer: StepAnswer = { next: 'wait', chunks: [], isLarge: false }
      let step: Parameters<typeof runStep>[1]['step'] | 'chunks' = 'look'
      for (let steps = 0; steps < MOST_STEPS; steps++) {
        await options.between?.(step)
        if (step === 'chunks') {
          for (const chunk of answer.chunks) {
            await options.between?.(chunk)
            await attempt((one) => this.chunk(id, chunk, one))
          }
          step = 'land'
          continue
        }
        const now = step
        answer = await attempt((one) => this.step(id, now, one))
        if (answer.next === 'done') break
        if (now === 'wait') {
          // The machine sleeps here until it is woken.
          if (this.woken.length === 0) break
          this.woken.length = 0
          step = 'look'
          continue
        }
        step = answer.next
      }
    } catch (error) {
      const { code = 'unknown', message } = error as PlatformError
      await runStep(this.deps(), { backfill: id, step: 'end', error: { code, message } })
    }
    return (await this.store.load(id))!.document
  }

  async published(wanted: WantedBackfill, options: StartOptions = {}): Promise<Backfill> {
    const { backfill } = await this.start(wanted, options)
    return this.run(backfill.id)
  }

  decide(id: string, decision: 'approved' | 'refused', reason = 'as agreed') {
    return decideOn(this.deps(), id, { by: 'bob', reason, atMs: 1, decision })
  }

  stop(id: string, decision: Decision = { by: 'ann', reason: 'enough', atMs: 1 }) {
    return stopBackfill(this.deps(), id, decision)
  }

  rollBack(id: string, process = NO_FAULT()) {
    return rollBackBackfill(this.deps(process), id, { by: 'ann', reason: 'wrong', atMs: 1 })
  }

  async table(view = this.cell.views[0]!): Promise<Table> {
    const name = featureTableName(this.cell.contract.product, view)
    return (await loadTable(this.deps().lake, { database: 'weir', name }))!
  }

  /** The rows of a view's feature table, as whoever reads it finds them: all columns, or without when they were made. */
  async rows(options: { readonly ages?: boolean } = {}): Promise<readonly string[]> {
    const view = this.cell.views[0]!
    const contract = contractOfView(view, this.cell.contracts)
    const table = await this.table(view)
    const scan = await planScan(this.cell.objects, table)
    const names = table.schema.fields
      .map(({ name }) => name)
      .filter((name) => options.ages === true || name !== 'computed_at')
    const rows: string[] = []
    for (const file of scan.files) {
      const batch = await readPlanned(scan, file, table.schema)
      for (const [at, { windowStart, key }] of finalRowKeys(view, contract, batch).entries()) {
        const time = String(windowStart).padStart(17, '0')
        rows.push(`${time} ${key} ${JSON.stringify(valueTexts(batch, at, names))}`)
      }
    }
    return rows.toSorted()
  }
}
