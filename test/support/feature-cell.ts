import { MemoryFeatureAudit } from '#lib/adapters/memory/memory-feature-audit.ts'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import {
  BEGUN,
  type PublishRun,
  type PublishRunDependencies,
  publishStep,
} from '#lib/domain/features/publish/publish-run.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { FaultyProcess } from './faults.ts'
import { MemoryCell } from './memory-cell.ts'
import { eventContract } from './random-events.ts'

/** A cell whose features are published, in memory. */
export class FeatureCell {
  readonly cell: MemoryCell
  objects: MemoryObjectStore
  publications = new MemoryPublicationStore()
  buffers = new MemoryFeatureBuffers()
  audit = new MemoryFeatureAudit()
  /** What the stream says of records that nobody has read yet. */
  isIdle = true

  constructor(views: readonly ViewDefinition[], contract = eventContract) {
    this.cell = new MemoryCell(contract)
    this.cell.views = views
    this.objects = this.cell.objects
  }

  dependencies(
    process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused'),
  ): PublishRunDependencies {
    const { cell } = this
    const ids = { snapshotId: () => 0n, uuid: () => '' }
    return {
      lake: {
        ...{ catalog: cell.catalog, clock: cell.clock, ids },
        objects: process.objects(this.objects),
      },
      contracts: cell.contracts,
      views: cell.views,
      generations: cell.generations,
      journal: cell.journal,
      stream: { parents: async () => new Map(), isIdle: async () => this.isIdle },
      store: process.publications(this.publications),
      buffers: process.buffers(this.buffers),
      audit: process.audit(this.audit),
      layout: cell.layout,
      database: 'weir',
      limits: { maxRows: 25 },
      // Each call does one piece of work.
      shallStop: () => true,
    }
  }

  /** A run to its end, or to what it throws; answers what each step was given. */
  async publish(
    run: string,
    options: Partial<PublishRun> = {},
    process?: FaultyProcess,
  ): Promise<readonly PublishRun[]> {
    const deps = this.dependencies(process)
    const steps: PublishRun[] = [{ ...BEGUN, run, by: 'ops', ...options }]
    for (let step = steps[0]!; !step.done && step.waitSeconds === 0; ) {
      step = await publishStep(deps, step)
      steps.push(step)
    }
    return steps
  }

  /** The same cell again, with nothing published. */
  async copy(): Promise<FeatureCell> {
    const copy = new FeatureCell(this.cell.views)
    Object.assign(copy, { cell: this.cell })
    copy.objects = new MemoryObjectStore({ clock: this.cell.clock })
    for await (const { uri } of this.cell.objects.list('s3://')) {
      await copy.objects.put(uri, await this.cell.objects.get(uri))
    }
    return copy
  }
}
