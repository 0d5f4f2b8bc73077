import { createHash } from 'node:crypto'

/** What became of one person. */
export interface ErasedSubject {
  /** Keyed hash of whom it is: the cell can tell who it was, the certificate alone cannot. */
  readonly lookup: string
  /** `erased` now, `erasedBefore`, or `unknown`: the cell never had a key for this person, and will not make one. */
  readonly outcome: 'erased' | 'erasedBefore' | 'unknown'
  readonly erasedAt: string
}

/** What was found in a store afterwards. */
export interface StoreCheck {
  readonly store: string
  readonly checked: number
  /** Keys, tokens or slots of these people that were still there: 0, or there is no certificate. */
  readonly found: number
}

export interface CertificateContent {
  readonly version: 1
  readonly cell: string
  /** Within the cell, from 1. */
  readonly number: number
  /** What the people are to the products, such as `rider_id`. */
  readonly kind: string
  readonly reason: string
  readonly issuedAt: string
  readonly subjects: readonly ErasedSubject[]
  readonly checks: readonly StoreCheck[]
  /** The dates that are true of the people erased now. */
  readonly dates: {
    /** No process has a key any more. */
    readonly unreadableSince: string
    /** What producers sent before the erasure has left the streams. */
    readonly goneFromStreamAt: string
    /** No backup of the key table reaches back to a key. */
    readonly unrecoverableFrom: string
  }
  /** Of the certificate before it in its cell. */
  readonly previousHash: string | null
}

/** A certificate as it is given out. */
export interface Certificate extends CertificateContent {
  readonly hash: string
  /** Of the hash, base64. */
  readonly signature: string
}

/** The cell's key for certificates, of which nobody has the bytes. */
export interface CertificateSigner {
  sign(message: string): Promise<string>
  verifies(message: string, signature: string): Promise<boolean>
}

export function hashOf(content: CertificateContent): string {
  const named: CertificateContent = {
    version: content.version,
    cell: content.cell,
    number: content.number,
    kind: content.kind,
    reason: content.reason,
    issuedAt: content.issuedAt,
    subjects: content.subjects.map(({ lookup, outcome, erasedAt }) => ({
      lookup,
      outcome,
      erasedAt,
    })),
    checks: content.checks.map(({ store, checked, found }) => ({ store, checked, found })),
    dates: {
      unreadableSince: content.dates.unreadableSince,
      goneFromStreamAt: content.dates.goneFromStreamAt,
      unrecoverableFrom: content.dates.unrecoverableFrom,
    },
    previousHash: content.previousHash,
  }
  return createHash('sha256').update(JSON.stringify(named)).digest('hex')
}

/** Whether a text is a certificate by its form. */
export function parseCertificate(text: string): Certificate | undefined {
  try {
    const parsed = JSON.parse(text)
    const isOne =
      parsed?.version === 1 &&
      Number.isInteger(parsed.number) &&
      typeof parsed.signature === 'string' &&
      Array.isArray(parsed.subjects) &&
      Array.isArray(parsed.checks) &&
      typeof parsed.dates === 'object' &&
      typeof parsed.cell === 'string'
    return isOne ? (parsed as Certificate) : undefined
  } catch {
    return undefined
  }
}
