import type { Contract } from '#lib/domain/contract/contract.ts'
import { readFeatures } from '#lib/domain/features/read-features.ts'
import { curatedFromRaw } from '#lib/domain/ingest/curated-from-raw.ts'
import { keyedIdentity } from '#lib/domain/ingest/identity.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { compareGenerations } from '#lib/domain/process/generations/compare.ts'
import { dropGeneration } from '#lib/domain/process/generations/drop.ts'
import { servingView } from '#lib/domain/process/generations/generations.ts'
import { type ReplayRequest, replay } from '#lib/domain/process/generations/replay.ts'
import { switchGeneration } from '#lib/domain/process/generations/switch.ts'
import { contractOfView, type ViewDefinition } from '#lib/domain/process/view.ts'
import type { StreamProgress } from '#lib/domain/process/view-watermark.ts'
import { eventRecord, type TestEvent } from './event-product.ts'
import { FaultyProcess } from './faults.ts'
import { MemoryCell } from './memory-cell.ts'

const NO_FAULT = () => new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')

/** A cell with shards that a test sends to, and the generations of its views. */
export class GenerationCell implements StreamProgress {
  readonly cell: MemoryCell
  /** The views as the project has them: what a replay computes. What is deployed is `cell.views`. */
  views: readonly ViewDefinition[]
  readonly #shards = new Map<string, StreamRecord[]>()
  #sequence = 0
  #ids = 0n

  constructor(contract: Contract, views: readonly ViewDefinition[], shards = ['s0', 's1']) {
    this.cell = new MemoryCell(contract)
    this.cell.views = views
    this.views = views
    for (const shard of shards) this.#shards.set(shard, [])
  }

  async parents(): Promise<ReadonlyMap<string, readonly string[]>> {
    return new Map([...this.#shards.keys()].map((shard) => [shard, []]))
  }

  async isIdle(shard: string, after: Predecessor): Promise<boolean> {
    const last = this.#shards.get(shard)?.at(-1)?.sequence
    return last === undefined || (after !== 'start' && last <= after)
  }

  /** Sends events and has them archived. */
  async send(shard: string, arrival: number, events: readonly TestEvent[]): Promise<void> {
    const record = eventRecord(++this.#sequence, arrival, this.cell.contract.eventType, events)
    this.#shards.get(shard)!.push(record)
    await this.cell.archive().take(shard, [record])
  }

  /** What the deployed functions do at a bell, more than once, as they would. */
  async live(): Promise<void> {
    await this.cell.update()
    await this.cell.finalize(this)
    await this.cell.finalize(this)
  }

  #stores(process: FaultyProcess) {
    const { cell } = this
    const slots = process.slots(cell.slots)
    const lost = () =>
      new PlatformError('lake.commitStateUnknown', 'answer lost', { retryable: true })
    const objects = curatedFromRaw({
      objects: process.objects(cell.objects),
      journal: cell.journal,
      contracts: cell.contracts,
      layout: cell.layout,
      identify: async () => keyedIdentity(new Uint8Array(32)),
    })
    return {
      contracts: cell.contracts,
      views: this.views,
      journal: process.journal(cell.journal),
      objects,
      clock: cell.clock,
      layout: cell.layout,
      database: 'weir',
      stream: this,
      generations: process.generations(cell.generations),
      slotsOf: () => slots,
      lake: {
        objects,
        catalog: process.catalog(cell.catalog, lost),
        clock: cell.clock,
        ids: { snapshotId: () => ++this.#ids + 1_000_000n, uuid: () => `replay-${++this.#ids}` },
      },
    }
  }

  replay(request: ReplayRequest, process = NO_FAULT()) {
    return replay(this.#stores(process), request)
  }

  async compare(
    right: string,
    options: { left?: string; limit?: number; pause?: () => Promise<void> } = {},
  ) {
    const { left = 'v1', limit, pause = async () => {} } = options
    const stored = await this.cell.generations.load()
    const deps = { ...this.#stores(NO_FAULT()), views: this.cell.views }
    return compareGenerations({ ...deps, inventory: this.cell.slots, pause }, stored?.generations, {
      left,
      right,
      ...(limit === undefined ? {} : { limit }),
    })
  }

  switch(name: string, reason?: string, process = NO_FAULT()) {
    return switchGeneration({ ...this.#stores(process), views: this.cell.views }, name, reason)
  }

  drop(name: string) {
    const { cell } = this
    return dropGeneration(
      {
        ...this.#stores(NO_FAULT()),
        views: cell.views,
        inventory: cell.slots,
        remover: cell.objects,
        tables: cell.catalog,
      },
      name,
    )
  }

  /** As `get-features` answers. */
  async features(view: string, key: string, at: number) {
    const generations = (await this.cell.generations.load())?.generations
    const { contracts, views, slots } = this.cell
    const { view: definition, ...scope } = servingView(generations, { contracts, views }, view)!
    const contract = contractOfView(definition, contracts)
    return readFeatures({ ...scope, slots, contract }, definition, key, at)
  }
}
