import { readdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { PAST_CONTRACTS } from '#lib/adapters/files/read-product.ts'
import { fileAtRef, filesAtRef } from '#lib/adapters/git/file-at-ref.ts'
import { compareContracts } from '#lib/domain/contract/compatibility.ts'
import type { ContractSource } from '#lib/domain/contract/contract-source.ts'
import {
  changeLines,
  type ExplainedChange,
  explainComparison,
} from '#lib/domain/contract/explain-comparison.ts'
import { parseContract } from '#lib/domain/contract/parse-contract.ts'
import { compareVersions } from '#lib/domain/contract/version.ts'
import { contractTargets, textOf } from './contract-files.ts'
import { CommandError } from './failure.ts'

export interface ContractComparison {
  /** Whether no change breaks, whatever the version says. */
  readonly compatible: boolean
  readonly breaking: readonly ExplainedChange[]
  /** All changes, the breaking ones too. */
  readonly changes: readonly ExplainedChange[]
  readonly contracts: readonly ComparedContract[]
}

export interface ComparedContract {
  readonly file: string
  readonly product: string
  readonly version: string
  /** What it was compared with; null if there was no such contract yet. */
  readonly against: { readonly file: string; readonly version: string } | null
  /** The least version to write; null without a change. */
  readonly needs: string | null
  /** Why the check fails. */
  readonly problems: readonly string[]
}

/**
 * Compares contracts with what they were at a git ref, or with another file (`*.yaml`). `targets` as for the check
 * of validity.
 */
export async function compareWith(
  root: string,
  targets: readonly string[],
  against: string,
): Promise<ContractComparison> {
  const pairs = /\.ya?ml$/.test(against)
    ? [await pairWithFile(root, targets, against)]
    : await Promise.all(
        (await contractTargets(root, targets)).map(({ path }) => pairWithRef(path, against)),
      )
  const changes: ExplainedChange[] = []
  const contracts = pairs.map(({ before, after, problems }): ComparedContract => {
    const { file, contract } = after
    const head = { file, product: contract.product, version: contract.version }
    if (before === undefined) return { ...head, against: null, needs: null, problems }
    const comparison = compareContracts(before, after)
    changes.push(...explainComparison(comparison, before, after))
    const { needs, versionProblem } = comparison
    return {
      ...head,
      against: { file: before.file, version: before.contract.version },
      needs: needs?.version ?? null,
      problems: versionProblem === undefined ? problems : [versionProblem, ...problems],
    }
  })
  const breaking = changes.filter((change) => change.breaking)
  return { compatible: breaking.length === 0, breaking, changes, contracts }
}

/** For people: every change with both lines, then what is wrong with each contract, or that nothing is. */
export function comparisonLines({ changes, contracts }: ContractComparison): {
  readonly changes: readonly string[]
  readonly problems: readonly string[]
  readonly verdicts: readonly string[]
} {
  return {
    changes: changes.flatMap(changeLines),
    problems: contracts.flatMap(({ file, problems }) => problems.map((one) => `${file}: ${one}`)),
    verdicts: contracts.map(({ file, product, version, against }) =>
      against === null
        ? `${file}: ${product} ${version} is new`
        : `${file}: ${product} ${version} may follow ${against.version}`,
    ),
  }
}

interface Pair {
  readonly before: ContractSource | undefined
  readonly after: ContractSource
  readonly problems: readonly string[]
}

async function pairWithFile(
  root: string,
  targets: readonly string[],
  against: string,
): Promise<Pair> {
  const [old] = await contractTargets(root, [against])
  const before = await sourceOf(old!.path, relativeTo(old!.path))
  if (targets.length > 1) {
    throw new CommandError(
      'contract.targets',
      `${against} is one contract: name one to compare it with`,
      {
        exitCode: 2,
      },
    )
  }
  const [target] = await contractTargets(
    root,
    targets.length === 0 ? [before.contract.product] : targets,
  )
  const { path } = target!
  return { before, after: await sourceOf(path, relativeTo(path)), problems: [] }
}

async function pairWithRef(path: string, ref: string): Promise<Pair> {
  const file = relativeTo(path)
  const after = await sourceOf(path, file)
  const text = await fileAtRef(ref, path)
  if (text === undefined) return { before: undefined, after, problems: [] }
  const before = sourceFrom(text, `${ref}:${file}`)
  return { before, after, problems: await pastProblems(path, ref, before, after) }
}

/**
 * Raw names the version that judged it, for years. So a version that was current stays as it was in `past-contracts`,
 * and none is slipped in behind it.
 */
async function pastProblems(
  path: string,
  ref: string,
  before: ContractSource,
  after: ContractSource,
): Promise<readonly string[]> {
  const directory = join(dirname(path), PAST_CONTRACTS)
  const here = (await filesIn(directory)).filter((name) => name.endsWith('.yaml'))
  const there = (await filesAtRef(ref, directory)).filter((name) => name.endsWith('.yaml'))
  const { version } = before.contract
  const was = `${version}.yaml`
  const problems: string[] = []
  if (after.contract.version !== version && !there.includes(was)) {
    const now = here.includes(was) ? await textOf(join(directory, was), was) : undefined
    if (now === undefined) {
      problems.push(
        `version ${version} may have judged batches: keep it with "git show ${before.file} > ${relativeTo(join(directory, was))}"`,
      )
    } else if (now !== before.text) {
      problems.push(`${PAST_CONTRACTS}/${was} is not what version ${version} was at ${ref}`)
    }
  }
  for (const name of there) {
    const old = await fileAtRef(ref, join(directory, name))
    const now = here.includes(name) ? await textOf(join(directory, name), name) : undefined
    if (now === old) continue
    const what = now === undefined ? 'is gone' : 'changed'
    problems.push(`${PAST_CONTRACTS}/${name} ${what}: restore it, batches were judged by it`)
  }
  for (const name of here) {
    const added = name.slice(0, -'.yaml'.length)
    if (there.includes(name) || compareVersions(added, version) >= 0) continue
    problems.push(`${PAST_CONTRACTS}/${name} is new and older than ${version}: remove it`)
  }
  return problems
}

async function filesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
}

async function sourceOf(path: string, file: string): Promise<ContractSource> {
  return sourceFrom(await textOf(path, file), file)
}

function sourceFrom(text: string, file: string): ContractSource {
  const parsed = parseContract(text, { file })
  if (parsed.ok) return { file, text, contract: parsed.contract, document: parsed.document }
  const lines = parsed.problems.map((one) => `${file}:${one.line}:${one.column}: ${one.message}`)
  throw new CommandError('contract.invalid', lines.join('\n'))
}

function relativeTo(path: string): string {
  return relative(process.cwd(), path) || basename(path)
}
