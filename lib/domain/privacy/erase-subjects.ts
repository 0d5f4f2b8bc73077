import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { inParallel } from '#lib/domain/kernel/in-parallel.ts'
import {
  type Certificate,
  type CertificateContent,
  type CertificateSigner,
  type ErasedSubject,
  hashOf,
  type StoreCheck,
} from './certificate.ts'
import type { ErasureLedger } from './erasure-ledger.ts'
import { isErased, type KeyTable, type SubjectState } from './key-table.ts'
import { KEY_CACHE_SECONDS } from './subject-keys.ts'

export interface ErasureDependencies {
  readonly cell: string
  readonly table: KeyTable
  readonly ledger: ErasureLedger
  readonly signer: CertificateSigner
  readonly clock: Clock
  readonly sleep: (ms: number) => Promise<void>
  /** How the key table names a person. */
  readonly lookupOf: (kind: string, subject: string) => string
  /** Of features that are kept by person; absent where there are none. */
  readonly slots?: PersonSlots
  /** The longest that a stream keeps what producers sent. */
  readonly streamRetentionHours: number
  /** How far back the key table can be restored. */
  readonly recoveryDays: number
}

export interface PersonSlots {
  /** Removes the window state of these people; how many items there were. */
  remove(tokens: ReadonlySet<string>): Promise<number>
}

export interface ErasureRequest {
  /** What the people are to the products, such as `rider_id`. */
  readonly kind: string
  readonly subjects: readonly string[]
  readonly reason: string
}

const AT_ONCE = 32
const MS_PER_SECOND = 1_000
const MS_PER_HOUR = 3_600_000
const MOST_APPENDS = 10

/**
 * Erases people in one cell by destroying their keys: the ledger first, so that it goes on wherever it broke off, and
 * no restored table forgets them. Repeating it changes nothing and certifies it again. Somebody whom the cell does not know is
 * erased as well: no key is ever made for them. Throws `privacy.held` before anything is done if somebody is under a legal
 * hold, and `privacy.notErased` if a store still has something of them afterwards.
 */
export async function eraseSubjects(
  deps: ErasureDependencies,
  { kind, subjects, reason }: ErasureRequest,
): Promise<Certificate> {
  const { clock, ledger, table } = deps
  const lookups = [...new Set(subjects)].map((subject) => deps.lookupOf(kind, subject))
  await refuseHeld(ledger, lookups)
  const known = new Map<string, SubjectState>()
  for (const state of await table.subjects(lookups)) known.set(state.lookup, state)
  const unsettled = new Map<string, string>()
  const erasedAt = isoAt(clock.nowMs())
  const erased = await inParallel(lookups, AT_ONCE, async (lookup): Promise<ErasedSubject> => {
    const before = known.get(lookup)
    const { token: pending, ...tombstone } = await ledger.record({
      lookup,
      erasedAt,
      // What is kept by token is removed last: whoever goes on after a crash has to know it.
      ...(deps.slots === undefined || before === undefined || isErased(before)
        ? {}
        : { token: before.token }),
    })
    if (pending !== undefined) unsettled.set(lookup, pending)
    if (before !== undefined && isErased(before)) {
      return { lookup, outcome: 'erasedBefore', erasedAt: before.erasedAt }
    }
    // What was there just now counts: a key may have been made since the look at it.
    const replaced = await table.erase(tombstone)
    if (replaced === undefined) return { lookup, outcome: 'unknown', erasedAt: tombstone.erasedAt }
    if (!isErased(replaced)) known.set(lookup, replaced)
    return { lookup, outcome: 'erased', erasedAt: tombstone.erasedAt }
  })
  const tokens = new Set(
    [...known.values()].flatMap((state) => (isErased(state) ? [] : state.token)),
  )
  for (const token of unsettled.values()) tokens.add(token)
  const checks = [...(await slotCheck(deps, tokens)), ...(await keyChecks(table, lookups, tokens))]
  const left = checks.find(({ found }) => found > 0)
  if (left !== undefined) {
    throw new PlatformError(
      'privacy.notErased',
      `${left.store} still has ${left.found} of ${left.checked} after the erasure: repeat it, and find out what wrote them`,
      { retryable: true },
    )
  }
  await inParallel([...unsettled.keys()], AT_ONCE, (lookup) => ledger.settle(lookup))
  return issue(deps, { kind, reason, subjects: erased, checks, dates: datesOf(deps, erased) })
}

async function refuseHeld(ledger: ErasureLedger, lookups: readonly string[]): Promise<void> {
  const holds = await inParallel(lookups, AT_ONCE, (lookup) => ledger.hold(lookup))
  const held = holds.filter((hold) => hold !== undefined)
  if (held.length === 0) return
  const reasons = [...new Set(held.map((hold) => `"${hold.reason}" since ${hold.since}`))]
  throw new PlatformError(
    'privacy.held',
    `${held.length} of ${lookups.length} are under a legal hold (${reasons.slice(0, 3).join(', ')}): nobody was erased; leave them out, or lift the hold`,
    { context: { lookups: held.map(({ lookup }) => lookup) } },
  )
}

/** Only once no process has a key any more: until then one may still write under the token. */
async function slotCheck(
  { slots, sleep }: ErasureDependencies,
  tokens: ReadonlySet<string>,
): Promise<readonly StoreCheck[]> {
  if (slots === undefined || tokens.size === 0) return []
  await sleep(KEY_CACHE_SECONDS * MS_PER_SECOND)
  await slots.remove(tokens)
  return [{ store: 'feature slots', checked: tokens.size, found: await slots.remove(tokens) }]
}

async function keyChecks(
  table: KeyTable,
  lookups: readonly string[],
  tokens: ReadonlySet<string>,
): Promise<readonly StoreCheck[]> {
  const states = await table.subjects(lookups)
  const gone = states.filter(isErased).length
  const found = await inParallel([...tokens], AT_ONCE, (token) => table.lookupOf(token))
  return [
    { store: 'keys of people', checked: lookups.length, found: lookups.length - gone },
    {
      store: 'tokens',
      checked: tokens.size,
      found: found.filter((lookup) => lookup !== undefined).length,
    },
  ]
}

/** Counted from the last of them that was erased. */
function datesOf(
  { streamRetentionHours, recoveryDays }: ErasureDependencies,
  erased: readonly ErasedSubject[],
): CertificateContent['dates'] {
  const lastMs = erased.reduce((last, one) => Math.max(last, Date.parse(one.erasedAt)), 0)
  return {
    unreadableSince: isoAt(lastMs + KEY_CACHE_SECONDS * MS_PER_SECOND),
    goneFromStreamAt: isoAt(lastMs + streamRetentionHours * MS_PER_HOUR),
    unrecoverableFrom: isoAt(lastMs + recoveryDays * 24 * MS_PER_HOUR),
  }
}

/** The next certificate of the cell's chain. Of two who issue one at once, the second is behind the first. */
async function issue(
  { cell, clock, ledger, signer }: ErasureDependencies,
  facts: Pick<CertificateContent, 'kind' | 'reason' | 'subjects' | 'checks' | 'dates'>,
): Promise<Certificate> {
  for (let attempt = 0; attempt < MOST_APPENDS; attempt++) {
    const last = await ledger.lastCertificate()
    const content: CertificateContent = {
      version: 1,
      cell,
      number: (last?.number ?? 0) + 1,
      ...facts,
      issuedAt: isoAt(clock.nowMs()),
      previousHash: last?.hash ?? null,
    }
    const hash = hashOf(content)
    const signature = await signer.sign(hash)
    // Signed before it is in the chain: a link always has a certificate that somebody could be given.
    if (await ledger.appendCertificate({ number: content.number, hash })) {
      return { ...content, hash, signature }
    }
  }
  throw new PlatformError(
    'privacy.certificatesBusy',
    'others issue certificates faster than this one could be added: the erasure is done; repeat it to have its certificate',
    { retryable: true },
  )
}

function isoAt(ms: number): string {
  return new Date(ms).toISOString()
}

/** What is wrong with a certificate, one line each; nothing if it is true. */
export async function certificateFaults(
  {
    ledger,
    signer,
    table,
    cell,
  }: Pick<ErasureDependencies, 'ledger' | 'signer' | 'table' | 'cell'>,
  certificate: Certificate,
): Promise<readonly string[]> {
  if (certificate.cell !== cell) return [`it is of cell ${certificate.cell}, not of ${cell}`]
  const faults: string[] = []
  if (hashOf(certificate) !== certificate.hash)
    faults.push('its content is not what its hash is of')
  if (!(await signer.verifies(certificate.hash, certificate.signature))) {
    faults.push('its signature is not of the cell’s key')
  }
  const { number } = certificate
  if ((await ledger.certificate(number))?.hash !== certificate.hash) {
    faults.push(`the ledger has another certificate as number ${number}, or none`)
  }
  const previous = number === 1 ? undefined : await ledger.certificate(number - 1)
  if ((previous?.hash ?? null) !== certificate.previousHash) {
    faults.push('it does not follow the certificate before it')
  }
  const lookups = certificate.subjects.map(({ lookup }) => lookup)
  const gone = (await table.subjects(lookups)).filter(isErased).length
  if (gone < lookups.length) {
    faults.push(`${lookups.length - gone} of its people are not erased in the key table`)
  }
  return faults
}

/** Tells a key table that was restored whom it has forgotten to have erased; how many that were. */
export async function eraseAgain(
  table: KeyTable,
  ledger: Pick<ErasureLedger, 'tombstones'>,
): Promise<{ readonly checked: number; readonly erased: number }> {
  let checked = 0
  let erased = 0
  for await (const page of ledger.tombstones()) {
    const befores = await inParallel(page, AT_ONCE, (tombstone) => table.erase(tombstone))
    checked += page.length
    erased += befores.filter((before) => before === undefined || !isErased(before)).length
  }
  return { checked, erased }
}
