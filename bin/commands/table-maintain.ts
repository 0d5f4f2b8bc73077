import { S3Client } from '@aws-sdk/client-s3'
import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import { S3ObjectRemover } from '#lib/adapters/s3/s3-object-remover.ts'
import { orphanPlansPrefix } from '#lib/domain/ingest/layout.ts'
import { type CompactionReport, compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import {
  duePlan,
  keepPlan,
  keptPlans,
  readPlan,
} from '#lib/domain/lake/maintenance/orphan-plans.ts'
import {
  findOrphans,
  LEAST_ORPHAN_AGE_MS,
  type OrphanOptions,
  type OrphanPlan,
  type RemovalReport,
  removeOrphans,
  type Spared,
} from '#lib/domain/lake/maintenance/orphans.ts'
import { rewriteManifests } from '#lib/domain/lake/maintenance/rewrite-manifests.ts'
import { isLive } from '#lib/domain/lake/manifest.ts'
import { manifestsOf, type Table } from '#lib/domain/lake/table.ts'
import { currentSnapshotOf } from '#lib/domain/lake/table-metadata.ts'
import { orphanSources } from '#lib/domain/ops/orphan-sources.ts'
import { durationMs, positiveNumber } from './arguments.ts'
import { bytesText } from './byte-text.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import type { Run } from './program.ts'
import { advised } from './table-advice.ts'
import { type OpenTable, openTable } from './table-target.ts'
import { counted, grouped } from './terminal.ts'

const MIB = 2 ** 20

/** Adds the commands that tend a table. */
export function registerMaintaining(parent: Command, run: Run): void {
  registerCompact(parent, run)
  registerRewriteManifests(parent, run)
  registerExpire(parent, run)
  registerOrphans(parent, run)
}

function registerCompact(parent: Command, run: Run): void {
  parent
    .command('compact')
    .summary('make large files of small ones')
    .description(
      'Makes large data files of small ones, partition by partition, beside live commits; no row changes. Interrupted, what is done is done, and a repeat goes on.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .option(
      '--target-mb <number>',
      'size that files should have, MiB (default: 32)',
      positiveNumber,
    )
    .option(
      '--min-files <number>',
      'leave fewer small files of a partition than this (default: 5)',
      positiveNumber,
    )
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table compact trips --region us-east-1',
        '',
        'With --json: {table, commits, filesBefore, filesAfter, bytesBefore, bytesAfter, rows, outdated, isComplete}.',
        'outdated: files that somebody else had replaced meanwhile.',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        options: { region: string; targetMb?: number; minFiles?: number },
        command: Command,
      ) =>
        run(command, async (context) => {
          const { terminal, signal } = context
          const opened = await openTable(context, name, options.region)
          const bar = terminal.progress('compacting', 0, 'files')
          const report = await advised(opened, () =>
            compact(opened.lake, opened.name, {
              ...(options.targetMb === undefined ? {} : { targetBytes: options.targetMb * MIB }),
              ...(options.minFiles === undefined ? {} : { minFiles: options.minFiles }),
              commit: opened.swap,
              shallStop: () => signal.aborted,
              onProgress: (done, of) => bar.update(done, of),
            }),
          ).finally(() => bar.stop())
          if (!report.isComplete) {
            throw new CommandError(
              'table.interrupted',
              `interrupted: ${compactedText(report)}; repeat the command to go on`,
              { document: { table: name, ...report } },
            )
          }
          terminal.document({ table: name, ...report })
          terminal.line(
            report.filesBefore === 0
              ? 'nothing to compact: no partition has small files enough'
              : compactedText(report),
          )
        }),
    )
}

function compactedText(report: CompactionReport): string {
  const outdated =
    report.outdated === 0 ? '' : `; ${counted(report.outdated, 'file')} were replaced by others`
  return (
    `${counted(report.filesBefore, 'file')} of ${bytesText(report.bytesBefore)} became ` +
    `${grouped(report.filesAfter)} of ${bytesText(report.bytesAfter)}, ${counted(report.rows, 'row')} in ` +
    `${counted(report.commits, 'commit')}${outdated}`
  )
}

function registerRewriteManifests(parent: Command, run: Run): void {
  parent
    .command('rewrite-manifests')
    .summary('put a table’s manifests together by partition')
    .description(
      'Puts the manifests of a table together in as few as they fill, files of one partition side by side: queries open less. No file changes.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table rewrite-manifests trips --region us-east-1',
        '',
        'With --json: {table, committed, manifestsBefore, manifestsAfter}',
      ].join('\n'),
    )
    .action((name: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { terminal } = context
        const opened = await openTable(context, name, options.region)
        const result = await advised(opened, async () => {
          const manifestsBefore = await manifestCount(opened, await opened.load())
          const { committed, table } = await rewriteManifests(opened.lake, opened.name, opened.swap)
          return { committed, manifestsBefore, manifestsAfter: await manifestCount(opened, table) }
        })
        terminal.document({ table: name, ...result })
        terminal.line(
          result.committed
            ? `${counted(result.manifestsBefore, 'manifest')} became ${grouped(result.manifestsAfter)}`
            : 'nothing to gain: the manifests are as few as they can be',
        )
      }),
    )
}

async function manifestCount({ lake }: OpenTable, table: Table): Promise<number> {
  return (await manifestsOf(lake.objects, currentSnapshotOf(table.metadata))).filter(isLive).length
}

function registerExpire(parent: Command, run: Run): void {
  parent
    .command('expire')
    .summary('let old snapshots of a table go')
    .description(
      'Takes old snapshots out of a table’s metadata: what it was then cannot be queried or rolled back to any more. Branches, tags and fences keep what they need, and so do readers of the last hour. Objects stay until `orphans` removes them.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .option(
      '--older-than <duration>',
      'only those that were not current for so long, an hour at least (default: as the table says)',
      atLeast(3_600_000, 'readers may be at a snapshot for an hour: write 1h or more.'),
    )
    .option(
      '--keep <number>',
      'but keep the newest so many (default: as the table says)',
      positiveNumber,
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table expire trips --region us-east-1',
        '  npm run weir -- table expire trips --region us-east-1 --older-than 1d --keep 10',
        '',
        'With --json: {table, expired: [id], retained}',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        options: { region: string; olderThan?: number; keep?: number },
        command: Command,
      ) =>
        run(command, async (context) => {
          const { terminal } = context
          const opened = await openTable(context, name, options.region)
          const { expired, table } = await advised(opened, () =>
            expireSnapshots(opened.lake, opened.name, {
              ...(options.keep === undefined ? {} : { atLeast: options.keep }),
              ...(options.olderThan === undefined ? {} : { currentWithinMs: options.olderThan }),
              swap: opened.swap,
            }),
          )
          const retained = table.metadata.snapshots.length
          terminal.document({ table: name, expired: expired.map(String), retained })
          terminal.line(
            `${counted(expired.length, 'snapshot')} expired, ${grouped(retained)} retained`,
          )
        }),
    )
}

/** A duration that is no shorter. */
function atLeast(leastMs: number, why: string): (text: string) => number {
  return (text) => {
    const ms = durationMs(text)
    if (ms >= leastMs) return ms
    throw new InvalidArgumentError(`Too short: ${why}`)
  }
}

interface OrphansOptions {
  readonly region: string
  readonly remove?: boolean
  readonly olderThan?: number
}

function registerOrphans(parent: Command, run: Run): void {
  parent
    .command('orphans')
    .summary('find objects that nothing names, and remove them an hour later')
    .description(
      [
        'Finds objects below a table that no retained snapshot names and that do not wait in the journal: what attempts that',
        'lost, compaction and expiry left. It removes nothing and remembers what it found. With --remove it removes what was',
        'found an hour ago or earlier and is still named by nobody; readers may be at what was let go a moment ago. The bucket',
        'keeps removed objects for 30 days.',
      ].join(' '),
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .option('--remove', 'remove what was found an hour ago or earlier')
    .option(
      '--older-than <duration>',
      'only objects older than this, a day at least (default: 1d)',
      atLeast(
        LEAST_ORPHAN_AGE_MS,
        'what is younger may belong to a commit under way: write 1d or more.',
      ),
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table orphans trips --region us-east-1',
        '  npm run weir -- table orphans trips --region us-east-1 --remove',
        '',
        'With --json: {table, found, bytes, spared: {named, waiting, young, foreign}, removableFrom, orphans: [uri]}, the first',
        'thousand of them; with --remove: {table, foundAt, planned, removed, bytes, wanted, gone, isComplete}.',
      ].join('\n'),
    )
    .action((name: string, options: OrphansOptions, command: Command) =>
      run(command, async (context) => {
        const opened = await openTable(context, name, options.region)
        const sources: OrphanOptions = {
          ...orphanSources(opened.stores, opened.known),
          ...(options.olderThan === undefined ? {} : { minAgeMs: options.olderThan }),
        }
        const work = options.remove === true ? remove : find
        await advised(opened, () => work(context, opened, sources))
      }),
    )
}

const MOST_LISTED = 1000
const MOST_SHOWN = 10

async function find(
  { terminal }: CommandContext,
  opened: OpenTable,
  sources: OrphanOptions,
): Promise<void> {
  const { lake, name, known, region, stores } = opened
  terminal.remark('reading every manifest and listing the table’s objects')
  const plan = await findOrphans(lake, name, sources)
  const isWorthIt = plan.orphans.length > 0
  const kept = isWorthIt
    ? await keepPlan(lake.objects, orphanPlansPrefix(stores.layout, known.name), plan)
    : undefined
  terminal.document({
    table: known.name,
    found: plan.orphans.length,
    bytes: plan.bytes,
    spared: plan.spared,
    removableFrom: kept === undefined ? null : new Date(kept.dueAtMs).toISOString(),
    orphans: plan.orphans.slice(0, MOST_LISTED).map(({ uri }) => uri),
  })
  terminal.line(
    `${counted(plan.orphans.length, 'orphan')} of ${bytesText(plan.bytes)}; nothing was removed`,
  )
  for (const line of plan.orphans.slice(0, MOST_SHOWN)) terminal.line(`  ${line.uri}`)
  if (plan.orphans.length > MOST_SHOWN) {
    terminal.line(`  and ${grouped(plan.orphans.length - MOST_SHOWN)} more`)
  }
  for (const line of sparedLines(plan.spared)) terminal.line(line)
  if (kept === undefined) return
  terminal.line(
    `from ${new Date(kept.dueAtMs).toISOString()} on they can be removed: \`weir table orphans ${known.name} --region ${region} --remove\``,
  )
}

function sparedLines(spared: Spared): readonly string[] {
  const lines = [
    [spared.named, 'a retained snapshot or the metadata’s log names them'],
    [spared.waiting, 'they wait in the journal, past the fences of a retained snapshot'],
    [spared.young, 'they are younger than a day and may belong to a commit under way'],
    [spared.foreign, 'they are not named as a table’s objects are'],
  ] as const
  return lines
    .filter(([count]) => count > 0)
    .map(([count, why]) => `spared ${counted(count, 'object')}: ${why}`)
}

async function remove(
  context: CommandContext,
  opened: OpenTable,
  sources: OrphanOptions,
): Promise<void> {
  const { terminal, signal, target } = context
  const { lake, name, known, region, stores } = opened
  const plan = await plannedRemoval(opened)
  const bar = terminal.progress('removing', plan.orphans.length, 'objects')
  const report = await removeOrphans(lake, name, plan, {
    ...sources,
    remover: new S3ObjectRemover({ client: new S3Client(target.clientConfig(region)) }),
    swap: opened.swap,
    shallStop: () => signal.aborted,
    onProgress: (done) => bar.update(done),
  }).finally(() => bar.stop())
  const document = {
    table: known.name,
    foundAt: new Date(plan.foundAtMs).toISOString(),
    planned: plan.orphans.length,
    removed: report.removed,
    bytes: report.bytes,
    wanted: report.wanted,
    gone: plan.orphans.length - report.removed - report.wanted,
    isComplete: report.isComplete,
  }
  if (!report.isComplete) {
    throw new CommandError(
      'table.interrupted',
      `interrupted: ${removedText(report)}; repeat the command to go on`,
      { document },
    )
  }
  terminal.document(document)
  terminal.line(removedText(report))
  if (document.wanted > 0) {
    terminal.line(
      `spared ${counted(document.wanted, 'object')}: named, waiting or written again since they were found`,
    )
  }
  if (document.gone > 0) terminal.line(`${counted(document.gone, 'object')} had gone already`)
  terminal.line(`the bucket ${stores.layout.bucket} keeps what was removed for 30 days`)
}

function removedText({ removed, bytes }: RemovalReport): string {
  return `${counted(removed, 'object')} of ${bytesText(bytes)} removed`
}

/** What was found long enough ago, or one line saying what to do first. */
async function plannedRemoval({ lake, known, region, stores }: OpenTable): Promise<OrphanPlan> {
  const kept = await keptPlans(lake.objects, orphanPlansPrefix(stores.layout, known.name))
  const due = duePlan(kept, lake.clock.nowMs())
  if (due !== undefined) return readPlan(lake.objects, due)
  const where = `${known.name} --region ${region}`
  const [first] = kept
  throw first === undefined
    ? new CommandError(
        'table.nothingFound',
        `nothing was found that could be removed: run \`weir table orphans ${where}\` first, and this an hour later`,
      )
    : new CommandError(
        'lake.orphansTooFresh',
        `readers may still be at what ${known.name} has let go: repeat this at ${new Date(first.dueAtMs).toISOString()} or later`,
      )
}
