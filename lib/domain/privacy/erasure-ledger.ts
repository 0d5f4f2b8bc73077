import type { Tombstone } from './key-table.ts'

/** Why a person must not be erased for now. */
export interface LegalHold {
  /** Keyed hash of whom it is. */
  readonly lookup: string
  readonly reason: string
  readonly since: string
}

/** An erasure; with the token, as long as what is kept by it may not be removed yet. */
export interface RecordedErasure extends Tombstone {
  readonly token?: string
}

/** What the ledger keeps of a certificate: enough to tell a true one from any other. */
export interface CertificateLink {
  /** From 1, without gaps. */
  readonly number: number
  readonly hash: string
}

/**
 * What was erased in a cell, and what may not be. A store of its own: a key table that is restored to an earlier time has
 * forgotten whom it had erased, and is told again from here before it is used. Every read is consistent.
 */
export interface ErasureLedger {
  /** Notes an erasure; returns what is in force, which may be an earlier one. */
  record(erasure: RecordedErasure): Promise<RecordedErasure>
  /** Forgets the token: nothing is left to be removed by it. */
  settle(lookup: string): Promise<void>
  /** Everybody who was erased, page by page. */
  tombstones(): AsyncIterable<readonly Tombstone[]>

  hold(lookup: string): Promise<LegalHold | undefined>
  placeHold(hold: LegalHold): Promise<void>
  /** Whether there was one. */
  liftHold(lookup: string): Promise<boolean>

  /** The newest link; undefined before the first certificate. */
  lastCertificate(): Promise<CertificateLink | undefined>
  certificate(number: number): Promise<CertificateLink | undefined>
  /** False if there is one with this number. */
  appendCertificate(link: CertificateLink): Promise<boolean>
}
