import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { DeleteMode } from '#lib/domain/lake/changes/delete-mode.ts'
import { deleteRows, previewDelete } from '#lib/domain/lake/changes/delete-rows.ts'
import type { RemovalReport } from '#lib/domain/lake/changes/row-removal.ts'
import { parsePredicate } from '#lib/domain/lake/predicate/parse-predicate.ts'
import { CommandError } from './failure.ts'
import type { Run } from './program.ts'
import { advised } from './table-advice.ts'
import { openTable } from './table-target.ts'
import { counted, grouped } from './terminal.ts'

interface DeleteOptions {
  readonly region: string
  readonly where: string
  readonly mode?: DeleteMode
  readonly branch?: string
  readonly dryRun?: boolean
  readonly yes?: boolean
}

/** Adds `table delete`. */
export function registerDeleting(parent: Command, run: Run): void {
  parent
    .command('delete')
    .summary('delete the rows of a table that match a condition')
    .description(
      [
        'Deletes the rows that match, in one snapshot and beside live commits. Files whose rows all match go unread; of others',
        'the cheaper is done: to write them anew, or to put a file beside them that says which rows are deleted. Rows are in',
        'earlier snapshots until these expire and orphans are removed; raw data and the journal keep them, so a replay from',
        'raw brings them back. A feature that counted them is as it was.',
      ].join(' '),
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .requiredOption(
      '--where <condition>',
      'which rows, as in SQL: = != < <= > >= in between is null, and or not',
    )
    .option(
      '--mode <mode>',
      'copy-on-write or merge-on-read (default: what is cheaper for each file)',
      modeNamed,
    )
    .option('--branch <name>', 'on this branch only, to be looked at and published')
    .option('--dry-run', 'say what would go, and change nothing')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table delete trips --region us-east-1 --where "fare_amount < 0" --dry-run',
        "  npm run weir -- table delete trips --region us-east-1 --where \"event_id in ('a', 'b')\" --yes",
        '',
        'With --json: {table, rows, filesDropped, filesRewritten, filesWithDeletes, filesRead, snapshot}; snapshot is null if',
        'nothing was changed.',
      ].join('\n'),
    )
    .action((name: string, options: DeleteOptions, command: Command) =>
      run(command, async (context) => {
        const { terminal, signal } = context
        const opened = await openTable(context, name, options.region)
        await advised(opened, async () => {
          const where = parsePredicate(options.where, (await opened.load()).schema)
          const branch = options.branch === undefined ? {} : { branch: options.branch }
          const settings = {
            ...(options.mode === undefined ? {} : { mode: options.mode }),
            commit: { ...opened.swap, ...branch },
          }
          if (options.dryRun === true || options.yes !== true) {
            const preview = await previewDelete(opened.lake, opened.name, where, settings)
            terminal.line(`${options.dryRun ? 'would delete' : 'about to delete'} ${told(preview)}`)
            if (options.dryRun === true || preview.rows === 0) {
              terminal.document({ table: name, ...preview, snapshot: null })
              return
            }
            await confirmed(terminal.confirm(`Delete ${counted(preview.rows, 'row')}?`, signal))
          }
          const { snapshotId, ...report } = await deleteRows(
            opened.lake,
            opened.name,
            where,
            settings,
          )
          const snapshot = snapshotId === undefined ? null : String(snapshotId)
          terminal.document({ table: name, ...report, snapshot })
          terminal.line(snapshot === null ? 'no row matches' : `deleted ${told(report)}`)
        })
      }),
    )
}

function modeNamed(text: string): DeleteMode {
  if (text === 'copy-on-write' || text === 'merge-on-read') return text
  throw new InvalidArgumentError('Write copy-on-write or merge-on-read.')
}

async function confirmed(answer: Promise<boolean | undefined>): Promise<void> {
  const yes = await answer
  if (yes === undefined) {
    throw new CommandError(
      'table.unconfirmed',
      'delete changes what everybody reads: look at it with --dry-run, or repeat it with --yes',
      { exitCode: 2 },
    )
  }
  if (!yes) throw new CommandError('table.unconfirmed', 'nothing was changed')
}

function told(report: RemovalReport): string {
  return (
    `${counted(report.rows, 'row')}: ${counted(report.filesDropped, 'file')} whole, ` +
    `${grouped(report.filesRewritten)} written anew, ${grouped(report.filesWithDeletes)} with deletes beside; ` +
    `${grouped(report.filesRead)} had to be read`
  )
}
