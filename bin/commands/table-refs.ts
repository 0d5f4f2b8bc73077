import type { Command } from 'commander'
import { summarizeTable } from '#lib/domain/lake/inspect/table-summary.ts'
import { publishBranch } from '#lib/domain/lake/refs/publish.ts'
import { createBranch, createTag, dropRef, namedRefs } from '#lib/domain/lake/refs/refs.ts'
import type { Table } from '#lib/domain/lake/table.ts'
import { tableOnBranch } from '#lib/domain/lake/table-on-branch.ts'
import { durationMs, positiveNumber, snapshotOrTime } from './arguments.ts'
import { CommandError } from './failure.ts'
import type { Run } from './program.ts'
import { advised } from './table-advice.ts'
import { openTable, snapshotNamed } from './table-target.ts'
import { table as columns, counted } from './terminal.ts'

/** Adds the commands for branches and tags. */
export function registerRefs(parent: Command, run: Run): void {
  registerRefList(parent, run)
  registerBranch(parent, run)
  registerTag(parent, run)
  registerPublish(parent, run)
  registerDrop(parent, run, 'branch')
  registerDrop(parent, run, 'tag')
}

function registerRefList(parent: Command, run: Run): void {
  parent
    .command('refs')
    .summary('the branches and tags of a table')
    .description('Lists the branches and tags of a table, the main branch first.')
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table refs trips --region us-east-1',
        '',
        'With --json: {table, refs: [{name, type, snapshot, time, keptForMs}]}',
      ].join('\n'),
    )
    .action((name: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const opened = await openTable(context, name, options.region)
        const refs = await advised(opened, async () => namedRefs(await opened.load()))
        const listed = refs.map(({ name: ref, type, snapshotId, timestampMs, maxRefAgeMs }) => ({
          name: ref,
          type,
          snapshot: String(snapshotId),
          time: timestampMs === undefined ? null : new Date(timestampMs).toISOString(),
          keptForMs: maxRefAgeMs ?? null,
        }))
        context.terminal.document({ table: name, refs: listed })
        const rows = listed.map((one) => [one.name, one.type, one.snapshot, one.time ?? 'expired'])
        context.terminal.line(columns(['name', 'type', 'snapshot', 'time'], rows))
      }),
    )
}

interface RefOptions {
  readonly region: string
  readonly at?: ReturnType<typeof snapshotOrTime>
  readonly keepFor?: number
  readonly keepSnapshots?: number
}

function registerBranch(parent: Command, run: Run): void {
  named(parent, 'branch', 'make a branch of a table, to be changed and then published')
    .description(
      'Makes a branch of a table: what is committed to it is seen by nobody who does not ask for it, until `weir table publish`. Nothing is copied. Repeated, it changes nothing.',
    )
    .option('--keep-snapshots <number>', 'keep so many snapshots of the branch', positiveNumber)
    .addHelpText('after', helpOf('branch trips cleanup'))
    .action((table: string, name: string, options: RefOptions, command: Command) =>
      createNamed(run, command, { table, name, type: 'branch' }, options),
    )
}

function registerTag(parent: Command, run: Run): void {
  named(parent, 'tag', 'give a snapshot of a table a name, and keep it')
    .description(
      'Gives a snapshot a name and keeps it, whatever expires, until the tag is dropped or its time is over. Repeated, it changes nothing.',
    )
    .addHelpText('after', helpOf('tag trips before-cleanup'))
    .action((table: string, name: string, options: RefOptions, command: Command) =>
      createNamed(run, command, { table, name, type: 'tag' }, options),
    )
}

function named(parent: Command, type: 'branch' | 'tag', summary: string): Command {
  return parent
    .command(type)
    .summary(summary)
    .argument('<table>', 'the table, as `weir query` names it')
    .argument('<name>', `of the ${type}`)
    .requiredOption('--region <region>', 'the cell')
    .option(
      '--at <snapshot>',
      'a snapshot’s id, or a time (default: as the table stands)',
      snapshotOrTime,
    )
    .option('--keep-for <duration>', 'let it go when its snapshot is so old', durationMs)
}

function helpOf(example: string): string {
  return [
    '',
    'Example:',
    `  npm run weir -- table ${example} --region us-east-1`,
    '',
    'With --json: {table, name, type, snapshot}',
  ].join('\n')
}

function createNamed(
  run: Run,
  command: Command,
  wanted: { readonly table: string; readonly name: string; readonly type: 'branch' | 'tag' },
  options: RefOptions,
): Promise<void> {
  return run(command, async (context) => {
    const { terminal } = context
    const opened = await openTable(context, wanted.table, options.region)
    await advised(opened, async () => {
      const { at, keepFor, keepSnapshots } = options
      const create = wanted.type === 'branch' ? createBranch : createTag
      const { table } = await create(opened.lake, opened.name, wanted.name, {
        ...(at !== undefined && { snapshotId: snapshotNamed(await opened.load(), at).snapshotId }),
        ...(keepFor !== undefined && { maxRefAgeMs: keepFor }),
        ...(keepSnapshots !== undefined && { minSnapshotsToKeep: keepSnapshots }),
        swap: opened.swap,
      })
      const snapshot = String(table.metadata.refs[wanted.name]!['snapshot-id'])
      terminal.document({ ...wanted, snapshot })
      terminal.line(`${wanted.type} ${wanted.name} of ${wanted.table} is at snapshot ${snapshot}`)
    })
  })
}

function registerPublish(parent: Command, run: Run): void {
  parent
    .command('publish')
    .summary('make what was committed to a branch the table’s')
    .description(
      'Makes what was committed to a branch the table’s, all or nothing, beside live commits: the table moves on to where the branch stands, or, if something has come in meanwhile and the branch has only appended, its files are appended. The branch goes with it.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .argument('<branch>', 'the branch')
    .requiredOption('--region <region>', 'the cell')
    .option('--keep', 'leave the branch where it is')
    .option('--rows <number>', 'only if the branch has exactly so many rows', positiveNumber)
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table publish trips cleanup --region us-east-1',
        '',
        'With --json: {table, branch, how, snapshot, files}; how is fast-forward, append or nothing.',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        branch: string,
        options: { region: string; keep?: boolean; rows?: number },
        command: Command,
      ) =>
        run(command, async (context) => {
          const { terminal } = context
          const opened = await openTable(context, name, options.region)
          await advised(opened, async () => {
            const before = tableOnBranch(opened.lake, await opened.load(), branch)
            const { rows } = await summarizeTable(before)
            const { how, snapshotId, files } = await publishBranch(
              opened.lake,
              opened.name,
              branch,
              {
                drop: options.keep !== true,
                swap: opened.swap,
                check: async (on) => requireRows(on, options.rows),
              },
            )
            terminal.document({ table: name, branch, how, snapshot: String(snapshotId), files })
            terminal.line(
              how === 'nothing'
                ? `${name} has all that branch ${branch} has`
                : `branch ${branch} with ${counted(rows, 'row')} is published (${how}): snapshot ${snapshotId}`,
            )
          })
        }),
    )
}

async function requireRows(branch: Table, wanted: number | undefined): Promise<void> {
  if (wanted === undefined) return
  const { rows } = await summarizeTable(branch)
  if (rows === wanted) return
  throw new CommandError('table.otherRows', `the branch has ${counted(rows, 'row')}, not ${wanted}`)
}

function registerDrop(parent: Command, run: Run, type: 'branch' | 'tag'): void {
  parent
    .command(`drop-${type}`)
    .summary(`take a ${type} of a table away`)
    .description(
      `Takes a ${type} of a table away; its snapshots expire like any that nothing names. Nothing happens if there is none.`,
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .argument('<name>', `of the ${type}`)
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        `  npm run weir -- table drop-${type} trips ${type === 'tag' ? 'before-cleanup' : 'cleanup'} --region us-east-1`,
        '',
        'With --json: {table, name, type, dropped}',
      ].join('\n'),
    )
    .action((table: string, name: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { terminal } = context
        const opened = await openTable(context, table, options.region)
        await advised(opened, async () => {
          const dropped = (await opened.load()).metadata.refs[name] !== undefined
          await dropRef(opened.lake, opened.name, name, type, opened.swap)
          terminal.document({ table, name, type, dropped })
          terminal.line(dropped ? `${type} ${name} is gone` : `there is no ${type} ${name}`)
        })
      }),
    )
}
