import type { FeatureAudit, FeatureRecord } from '#lib/domain/features/publish/feature-audit.ts'

/** Records in memory, held to the same contract tests as those in DynamoDB. */
export class MemoryFeatureAudit implements FeatureAudit {
  readonly #records = new Map<string, FeatureRecord>()

  async record(record: FeatureRecord): Promise<void> {
    const { kind, view, run, atMs } = record
    const id = JSON.stringify([view, atMs, kind, run])
    if (!this.#records.has(id)) this.#records.set(id, structuredClone(record))
  }

  async list(view: string, limit: number): Promise<readonly FeatureRecord[]> {
    const ofView = [...this.#records.values()].filter((one) => one.view === view)
    return ofView.sort((a, b) => b.atMs - a.atMs || (a.kind < b.kind ? 1 : -1)).slice(0, limit)
  }
}
