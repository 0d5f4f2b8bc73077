import type { TableName } from '../catalog.ts'
import { conflict } from '../changes/changes-since.ts'
import { commit } from '../commit.ts'
import type { DataFile } from '../data-file.ts'
import { refuseOnHold } from '../fences.ts'
import { changesIn, manifestsOf } from '../read-manifests.ts'
import { liveData, specOfManifest } from '../snapshot-contents.ts'
import { OPERATION } from '../snapshot-summary.ts'
import { type SwapOptions, type SwapResult, swapMetadata } from '../swap-metadata.ts'
import { type Lake, requireTable, type Table } from '../table.ts'
import { currentSnapshotOf, type SnapshotJson, snapshotOf } from '../table-metadata.ts'
import { requireRef, tableOnBranch } from '../table-on-branch.ts'
import { badRef, branchProperties, removal, withUpdates } from './refs.ts'

export interface PublishOptions {
  /** Asked of the branch as it will be published; it throws what is wrong with it. */
  readonly check?: (branch: Table) => Promise<void>
  /** Whether the branch goes with its publication. @default true */
  readonly drop?: boolean
  readonly swap?: SwapOptions
}

export interface PublishResult {
  /** The main branch moved to where the branch stands, its files were appended, or all of it was there already. */
  readonly how: 'fast-forward' | 'append' | 'nothing'
  /** Where the main branch stands with it. */
  readonly snapshotId: bigint
  readonly files: number
  readonly table: Table
}

/** Iceberg's own name in the summary of a snapshot that takes over another one. */
const SOURCE = 'source-snapshot-id'

/**
 * Makes what was committed to a branch the table's: by moving the main branch there, if nothing has come in there since;
 * otherwise, if the branch has only appended, by appending its files to the main branch in one snapshot. Live writers go on
 * meanwhile. All or nothing of the branch is published, once.
 *
 * Throws `lake.conflict` if the main branch has moved and the branch has replaced or deleted rows of the old one,
 * `lake.refNotFound`, `lake.onHold`, what `check` throws, and what `commit` throws. Nothing is changed then.
 */
export async function publishBranch(
  lake: Lake,
  name: TableName,
  branch: string,
  { check, drop = true, swap }: PublishOptions = {},
): Promise<PublishResult> {
  const { table: before } = await requireTable(lake, name)
  refuseOnHold(before)
  const head = headOf(before, branch)
  await check?.(tableOnBranch(lake, before, branch))
  const forwarded = await fastForward(lake, name, branch, head, swap)
  const result = forwarded ?? (await append(lake, name, branch, head, swap))
  if (!drop) return result
  const { table } = await dropPublished(lake, name, branch, head, swap)
  return { ...result, table }
}

/** Undefined if the main branch has gone another way. */
async function fastForward(
  lake: Lake,
  name: TableName,
  branch: string,
  head: bigint,
  swap: SwapOptions | undefined,
): Promise<PublishResult | undefined> {
  let isPossible = true
  let how: PublishResult['how'] = 'nothing'
  const { table } = await swapMetadata(
    lake,
    name,
    async (current) => {
      refuseOnHold(current)
      if (isPublished(current, branch, head) || current.isAncestor(head)) return undefined
      requireHead(current, branch, head)
      const at = current.currentSnapshot?.snapshotId
      isPossible = at === undefined || tableOnBranch(lake, current, branch).isAncestor(at)
      if (!isPossible) return undefined
      how = 'fast-forward'
      return withUpdates(lake, current, [
        { kind: 'setCurrentSnapshot', snapshotId: head },
        { kind: 'setProperties', properties: publication(branch, head) },
      ])
    },
    swap,
  )
  return isPossible ? { how, snapshotId: head, files: 0, table } : undefined
}

async function append(
  lake: Lake,
  name: TableName,
  branch: string,
  head: bigint,
  options: SwapOptions | undefined,
): Promise<PublishResult> {
  let files: readonly DataFile[] = []
  const { table, snapshotId, committed } = await commit(
    lake,
    name,
    async (current) => {
      refuseOnHold(current)
      if (isPublished(current, branch, head)) return undefined
      requireHead(current, branch, head)
      files = await appendedOn(lake, current, branch)
      return {
        files,
        summary: { [SOURCE]: String(head), [OPERATION]: 'publish' },
        setProperties: () => publication(branch, head),
      }
    },
    options,
  )
  return {
    how: committed ? 'append' : 'nothing',
    snapshotId: snapshotId ?? table.currentSnapshot!.snapshotId,
    files: files.length,
    table,
  }
}

/** Whether the table has what the branch had at this snapshot, by either way. */
function isPublished({ properties }: Table, branch: string, head: bigint): boolean {
  return properties[branchProperties(branch).published] === String(head)
}

function publication(branch: string, head: bigint): Readonly<Record<string, string>> {
  return { [branchProperties(branch).published]: String(head) }
}

/** The files that the branch has appended since it left the main one. Throws `lake.conflict` if it has done anything else. */
async function appendedOn(lake: Lake, main: Table, branch: string): Promise<readonly DataFile[]> {
  const { metadata } = tableOnBranch(lake, main, branch)
  const files: DataFile[] = []
  for (const snapshot of ownSnapshots(main, branch, currentSnapshotOf(metadata))) {
    const { operation } = snapshot.summary
    if (operation !== 'append') {
      throw conflict(
        main,
        `its main branch has moved, and branch ${branch} is more than appends (${operation} in snapshot ${snapshot['snapshot-id']}); make it anew from the main branch`,
      )
    }
    for (const manifest of await manifestsOf(lake.objects, snapshot)) {
      if (manifest.addedSnapshotId !== snapshot['snapshot-id']) continue
      const spec = specOfManifest(metadata, manifest)
      const { added } = await changesIn(lake.objects, manifest)
      files.push(...added.map((one) => liveData(one, manifest, spec).file))
    }
  }
  return files
}

/** The snapshots that only the branch has, newest first. */
function ownSnapshots(
  main: Table,
  branch: string,
  head: SnapshotJson | undefined,
): readonly SnapshotJson[] {
  const { from, published } = branchProperties(branch)
  const known = [main.properties[from], main.properties[published]]
  const isMains = (id: bigint) => main.isAncestor(id) || known.includes(String(id))
  const own: SnapshotJson[] = []
  let at = head
  while (at && !isMains(at['snapshot-id'])) {
    own.push(at)
    const parent = at['parent-snapshot-id']
    if (typeof parent === 'bigint' && isMains(parent)) return own
    at = typeof parent === 'bigint' ? snapshotOf(main.metadata, parent) : undefined
  }
  // Without the place where it left, older snapshots would be taken for its own, and appended again.
  if (at === undefined) {
    throw conflict(main, `where branch ${branch} left its main branch cannot be told any more`)
  }
  return own
}

async function dropPublished(
  lake: Lake,
  name: TableName,
  branch: string,
  head: bigint,
  swap: SwapOptions | undefined,
): Promise<SwapResult> {
  return await swapMetadata(
    lake,
    name,
    async (table) => {
      // What has come to the branch since is not published, and stays with it.
      if (table.metadata.refs[branch]?.['snapshot-id'] !== head) return undefined
      return withUpdates(lake, table, removal(branch))
    },
    swap,
  )
}

function headOf(table: Table, branch: string): bigint {
  return requireRef(table, branch, 'branch')['snapshot-id']
}

/** What was checked is what is published. */
function requireHead(table: Table, branch: string, head: bigint): void {
  if (headOf(table, branch) === head) return
  throw badRef(`branch ${branch} has moved since it was checked: publish it anew`)
}
