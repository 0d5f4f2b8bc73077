import type {
  CertificateLink,
  ErasureLedger,
  LegalHold,
  RecordedErasure,
} from '#lib/domain/privacy/erasure-ledger.ts'
import type { Tombstone } from '#lib/domain/privacy/key-table.ts'

/** What was erased in a cell, in this process. */
export class MemoryErasureLedger implements ErasureLedger {
  readonly #tombstones = new Map<string, RecordedErasure>()
  readonly #holds = new Map<string, LegalHold>()
  readonly #certificates: CertificateLink[] = []

  async record(tombstone: RecordedErasure): Promise<RecordedErasure> {
    const known = this.#tombstones.get(tombstone.lookup)
    if (known !== undefined) return known
    this.#tombstones.set(tombstone.lookup, tombstone)
    return tombstone
  }

  async settle(lookup: string): Promise<void> {
    const { token: _, ...settled } = this.#tombstones.get(lookup)!
    this.#tombstones.set(lookup, settled)
  }

  async *tombstones(): AsyncIterable<readonly Tombstone[]> {
    yield [...this.#tombstones.values()].map(({ lookup, erasedAt }) => ({ lookup, erasedAt }))
  }

  async hold(lookup: string): Promise<LegalHold | undefined> {
    return this.#holds.get(lookup)
  }

  async placeHold(hold: LegalHold): Promise<void> {
    this.#holds.set(hold.lookup, hold)
  }

  async liftHold(lookup: string): Promise<boolean> {
    return this.#holds.delete(lookup)
  }

  async lastCertificate(): Promise<CertificateLink | undefined> {
    return this.#certificates.at(-1)
  }

  async certificate(number: number): Promise<CertificateLink | undefined> {
    return this.#certificates[number - 1]
  }

  async appendCertificate(link: CertificateLink): Promise<boolean> {
    if (link.number !== this.#certificates.length + 1) return false
    this.#certificates.push(link)
    return true
  }
}
