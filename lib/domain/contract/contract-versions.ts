import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import { compileContract } from './compile-contract.ts'
import type { Contract } from './contract.ts'
import { isSealed, receivedForm, storedForm } from './stored-form.ts'
import { compareVersions, majorOf } from './version.ts'

/** The versions of one product's contract that raw objects may name, each as its events are stored. */
export interface ContractVersions {
  /** The newest: new batches name it. */
  readonly current: Contract
  /** The newest of each major, oldest first: each has a table of its own. */
  readonly majors: readonly Contract[]
  has(version: string): boolean
  /**
   * The version that a file or a batch names. Throws `contract.versionUnknown` (retryable: a newer deployment may
   * know it), because another version would give another verdict.
   */
  byVersion(version: string): Contract
  /**
   * What judges a batch whose raw object names this version: the versions up to it, also long after newer ones were
   * deployed, so that every attempt and a rebuild give the same verdicts. Throws likewise.
   */
  inForce(version: string): ContractsInForce
}

/** The contracts that judge one batch. */
export interface ContractsInForce {
  /** What judges events as they come, before anything is sealed; absent where nothing is. */
  readonly received?: ContractsInForce
  /** The version that raw names: the newest at that time. */
  readonly named: Contract
  /** The newest of each major, oldest first. */
  readonly majors: readonly Contract[]
  /**
   * Who judges an event by its CloudEvents `dataschema`: the newest contract of the major that it declares. An event
   * that declares none, or something that is not Weir's, goes to the named contract, or to the major that this one
   * states for such events. Undefined if it declares a version that was not deployed.
   */
  judgeOf(dataschema: string | undefined): Contract | undefined
}

/** What a `dataschema` of Weir starts with: `urn:weir:<product>:<major>`, `.<minor>` and `.<patch>` may follow. */
export const SCHEMA_URN = 'urn:weir:'

/** From ODCS documents, newest last. */
export function contractVersions(documents: readonly JsonValue[]): ContractVersions {
  return versionsOf(documents.map((document) => compileContract(document)))
}

/** From compiled contracts of one product, newest last. */
export function versionsOf(given: readonly Contract[]): ContractVersions {
  const contracts = given.map(storedForm)
  const current = contracts.at(-1)
  if (current === undefined) {
    throw new PlatformError('contract.none', 'a product needs at least one contract')
  }
  const byVersion = (version: string): Contract => {
    const contract = contracts.find((one) => one.version === version)
    if (contract !== undefined) return contract
    throw new PlatformError(
      'contract.versionUnknown',
      `contract ${current.product} ${version} judged a batch but is not deployed: keep it in past-contracts`,
      { retryable: true, context: { product: current.product, version } },
    )
  }
  const known = new Map<string, ContractsInForce>()
  const inForceWithReceived = (version: string): ContractsInForce => {
    const stored = inForceAt(byVersion(version), contracts)
    if (!stored.majors.some(isSealed)) return stored
    const asTheyCome = given.map(receivedForm)
    const named = asTheyCome.find((one) => one.version === version)!
    return { ...stored, received: inForceAt(named, asTheyCome) }
  }
  return {
    current,
    majors: newestOfEachMajor(contracts),
    has: (version) => contracts.some((one) => one.version === version),
    byVersion,
    inForce(version) {
      const found = known.get(version) ?? inForceWithReceived(version)
      known.set(version, found)
      return found
    },
  }
}

function inForceAt(named: Contract, contracts: readonly Contract[]): ContractsInForce {
  const upTo = contracts.filter((one) => compareVersions(one.version, named.version) <= 0)
  const majors = newestOfEachMajor(upTo)
  const newestOf = (major: number) => majors.find((one) => majorOf(one.version) === major)
  const judges = new Map<string, Contract>()
  for (const { version } of upTo) {
    const [major, minor, patch] = version.split('.')
    for (const text of [major, `${major}.${minor}`, `${major}.${minor}.${patch}`]) {
      judges.set(`${SCHEMA_URN}${named.product}:${text}`, newestOf(Number(major))!)
    }
  }
  const undeclared = newestOf(named.undeclaredMajor ?? majorOf(named.version)) ?? named
  return {
    named,
    majors,
    judgeOf: (dataschema) =>
      dataschema?.startsWith(SCHEMA_URN) === true ? judges.get(dataschema) : undeclared,
  }
}

function newestOfEachMajor(contracts: readonly Contract[]): readonly Contract[] {
  const newest = new Map<number, Contract>()
  for (const contract of contracts) newest.set(majorOf(contract.version), contract)
  return [...newest.values()]
}
