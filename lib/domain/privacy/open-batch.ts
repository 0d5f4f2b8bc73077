import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import { NumberText } from '#lib/domain/contract/scalar.ts'
import { isSealed, sealedFields } from '#lib/domain/contract/stored-form.ts'
import { decodeRaw } from '#lib/domain/ingest/decode-raw.ts'
import { VersionedDecoder } from '#lib/domain/ingest/decoder/versioned-decoder.ts'
import { parseKeepingDigits } from '#lib/domain/ingest/envelope.ts'
import type { Place } from '#lib/domain/ingest/raw-event.ts'
import type { RawBatch } from '#lib/domain/ingest/raw-object.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { valueTexts } from './sealed-columns.ts'
import { keyVersionOf, openGroup, SEALED_ATTRIBUTE, type SealedGroup } from './sealed-group.ts'
import type { SubjectKey } from './subject-keys.ts'

/** What raw holds of one person in one batch. */
export interface StoredGroup extends SealedGroup {
  /** The ciphertext; absent where there was nothing to seal. */
  readonly sealed?: Buffer
}

/** The sealed values of an event by field: texts as they are, all else as JSON; null is no value. */
export type OpenedValues = Readonly<Record<string, string | null>>

/** The groups of a batch whose token is among these. Nobody's and erased people's events are in none. */
export function groupsOf(
  contracts: ContractVersions,
  raw: RawBatch,
  tokens: ReadonlySet<string>,
): readonly StoredGroup[] {
  const inForce = contracts.inForce(raw.contractVersion)
  const { received, parts } = decodeRaw(new VersionedDecoder(), inForce, raw)
  return parts.flatMap(({ contract, decoded, lineOfRow }): StoredGroup[] => {
    if (!isSealed(contract)) return []
    const tokenOf = valueTexts(decoded.batch.columns.get(contract.subject)!)
    const linesOf = new Map<string, number[]>()
    for (let row = 0; row < decoded.batch.rows; row++) {
      const token = tokenOf(row)
      if (token === undefined || !tokens.has(token)) continue
      const lines = linesOf.get(token)
      if (lines === undefined) linesOf.set(token, [lineOfRow[row]!])
      else lines.push(lineOfRow[row]!)
    }
    return [...linesOf].map(([token, lines]) => {
      const places = lines.map((line) => received.placeOf(line))
      const last = received.at(lines.at(-1)!)
      const attribute: unknown =
        last.kind === 'event' ? JSON.parse(last.text)[SEALED_ATTRIBUTE] : undefined
      return {
        product: contract.product,
        shard: raw.shard,
        token,
        fields: sealedFields(contract),
        places,
        ...(typeof attribute === 'string' ? { sealed: Buffer.from(attribute, 'base64') } : {}),
      }
    })
  })
}

/**
 * The values of each event of a group, in its order. Throws `privacy.keyVersionUnknown` if another key version sealed
 * it, `privacy.moved` if the ciphertext is missing, or is not what was sealed for this person and these events.
 */
export function openValues(group: StoredGroup, key: SubjectKey): readonly OpenedValues[] {
  const { sealed, shard, places } = group
  const where = `the events of ${shard} from ${placeText(places[0]!)} on`
  const version = sealed && keyVersionOf(sealed)
  if (version !== undefined && version !== key.version) {
    throw new PlatformError(
      'privacy.keyVersionUnknown',
      `${where} were sealed under version ${version} of their person's key, and there is version ${key.version}`,
    )
  }
  const opened = sealed && openGroup(key.key, group, sealed)
  if (opened === undefined) {
    throw new PlatformError(
      'privacy.moved',
      `the sealed values of ${where} do not belong there: they were moved, changed or taken away`,
    )
  }
  const parsed = parseKeepingDigits(opened.toString('utf8'))
  const lists = (parsed as { readonly value: readonly (readonly unknown[])[] }).value
  return lists.map((values) =>
    Object.fromEntries(group.fields.map((name, i) => [name, textOf(values[i])])),
  )
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  return value instanceof NumberText ? value.text : jsonOf(value)
}

/** Numbers inside keep their digits. */
function jsonOf(value: unknown): string {
  if (value instanceof NumberText) return value.text
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const members = Object.entries(value).map(
    ([name, one]) => `${JSON.stringify(name)}:${jsonOf(one)}`,
  )
  return `{${members.join(',')}}`
}

function placeText({ sequence, index }: Pick<Place, 'sequence' | 'index'>): string {
  return `${sequence}/${index}`
}
