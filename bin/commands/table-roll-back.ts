import type { Command } from 'commander'
import { FENCES_PROPERTY, type Fences, HOLD_PROPERTY, readFences } from '#lib/domain/lake/fences.ts'
import { told } from '#lib/domain/lake/inspect/table-summary.ts'
import { releaseHold, rollBack } from '#lib/domain/lake/maintenance/roll-back.ts'
import { fencesAt } from '#lib/domain/lake/snapshot-state.ts'
import type { Snapshot } from '#lib/domain/lake/table.ts'
import { type PastFences, pastFences } from '#lib/domain/ops/past-fences.ts'
import { snapshotOrTime } from './arguments.ts'
import { CommandError } from './failure.ts'
import type { Run } from './program.ts'
import { advised } from './table-advice.ts'
import { type OpenTable, openTable, snapshotNamed } from './table-target.ts'
import { counted, grouped } from './terminal.ts'

/** Adds `table rollback` and `table release`. */
export function registerRollingBack(parent: Command, run: Run): void {
  registerRollback(parent, run)
  registerRelease(parent, run)
}

function registerRollback(parent: Command, run: Run): void {
  parent
    .command('rollback')
    .summary('let a table stand at an earlier snapshot, on hold')
    .description(
      [
        'Lets a table stand at a snapshot that it retains, or at what it was at a time: snapshot and fences in one swap, so',
        'that nothing is lost or doubled. The table is on hold then: nothing is committed until `weir table release`, since',
        'with its fences back the journal’s batches after them come straight in again. Nothing is deleted; another snapshot may',
        'be chosen until they expire.',
      ].join(' '),
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .argument('<snapshot>', 'a snapshot’s id, or a time', snapshotOrTime)
    .requiredOption('--region <region>', 'the cell')
    .option('--yes', 'do not ask')
    .option('--reason <text>', 'why, for whoever finds the table on hold')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table rollback trips 4611686018428387904 --region us-east-1',
        '  npm run weir -- table rollback trips 2026-01-31T18:00:00Z --region us-east-1 --yes --reason "bad zones"',
        '',
        'With --json: {table, snapshot, time, rowsBefore, rows, onHold, onRelease: {entries, rows, shards}}',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        wanted: ReturnType<typeof snapshotOrTime>,
        options: { region: string; yes?: boolean; reason?: string },
        command: Command,
      ) =>
        run(command, async (context) => {
          const { terminal } = context
          const opened = await openTable(context, name, options.region)
          await advised(opened, async () => {
            const before = await opened.load()
            const target = snapshotNamed(before, wanted)
            const fences = fencesAt(before, target.snapshotId)
            const onRelease = fences && (await comingBack(opened, fences))
            const rows = { from: rowsOf(before.currentSnapshot), to: rowsOf(target) }
            const { timestampMs, snapshotId } = target
            terminal.line(
              `${name} in ${options.region}: from ${rows.from} back to ${rows.to}, snapshot ${snapshotId} of ${iso(timestampMs)}`,
            )
            terminal.line(releaseLine(opened, onRelease))
            if (options.yes !== true) {
              const yes = await terminal.confirm(`Roll ${name} back?`, context.signal)
              if (yes === undefined) {
                throw new CommandError(
                  'table.unconfirmed',
                  'rollback changes what everybody reads: look at it in a terminal, or repeat it with --yes',
                  { exitCode: 2 },
                )
              }
              if (!yes) throw new CommandError('table.unconfirmed', 'nothing was changed')
            }
            const reason = reasonOf(snapshotId, options.reason)
            await rollBack(opened.lake, opened.name, snapshotId, { reason, swap: opened.swap })
            terminal.document({
              table: name,
              snapshot: String(snapshotId),
              time: iso(timestampMs),
              rowsBefore: countOf(before.currentSnapshot),
              rows: countOf(target),
              onHold: reason,
              onRelease: onRelease ?? null,
            })
            terminal.line(
              `rolled back; on hold until \`weir table release ${name} --region ${options.region}\``,
            )
          })
        }),
    )
}

function registerRelease(parent: Command, run: Run): void {
  parent
    .command('release')
    .summary('take a table off hold')
    .description(
      'Takes a table off hold: what the journal has past its fences is committed again, by the next bell or within a minute.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table release trips --region us-east-1',
        '',
        'With --json: {table, wasOnHold, coming: {entries, rows, shards}}. A table that is not on hold stays as it is.',
      ].join('\n'),
    )
    .action((name: string, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const { terminal } = context
        const opened = await openTable(context, name, options.region)
        await advised(opened, async () => {
          const before = await opened.load()
          const wasOnHold = before.properties[HOLD_PROPERTY]
          const coming =
            before.properties[FENCES_PROPERTY] === undefined
              ? NOTHING
              : await comingBack(opened, await readFences(before))
          await releaseHold(opened.lake, opened.name, opened.swap)
          terminal.document({ table: name, wasOnHold: wasOnHold ?? null, coming })
          terminal.line(
            wasOnHold === undefined
              ? `${name} in ${options.region} is not on hold`
              : `${name} in ${options.region} is released; it was on hold: ${wasOnHold}`,
          )
          if (wasOnHold !== undefined) terminal.line(comingLine(opened, coming))
        })
      }),
    )
}

/** The same for the same rollback: a repeat changes nothing. */
function reasonOf(snapshotId: bigint, reason: string | undefined): string {
  const back = `rolled back to snapshot ${snapshotId}`
  return reason === undefined ? back : `${back}: ${reason}`
}

const NOTHING: PastFences = { entries: 0, rows: 0, shards: 0 }

function comingBack({ stores, known }: OpenTable, fences: Fences): Promise<PastFences> {
  return pastFences(stores.journal, fences, known)
}

function releaseLine(opened: OpenTable, onRelease: PastFences | undefined): string {
  if (onRelease === undefined) {
    return 'nobody has set fences there: once released, what was appended since stays out'
  }
  return `once released, ${comingLine(opened, onRelease)}`
}

function comingLine({ known }: OpenTable, { entries, rows, shards }: PastFences): string {
  const batches = entries === 1 ? '1 batch' : `${grouped(entries)} batches`
  const from = `${batches} of ${counted(shards, 'shard')}`
  if (entries === 0) return 'nothing comes from the journal: the table is up to it'
  if (known.kind === 'latest') {
    return `${from} with ${counted(rows, 'change')} are merged again`
  }
  return known.kind === 'curated'
    ? `${from} with ${counted(rows, 'row')} come in again from the journal; what other engines had put in does not`
    : `${from} are looked at again, and windows that they close or change are written anew from their slots`
}

function countOf(snapshot: Snapshot | undefined): number | null {
  if (snapshot === undefined) return 0
  return told(snapshot.summary)?.rows ?? null
}

function rowsOf(snapshot: Snapshot | undefined): string {
  const rows = countOf(snapshot)
  return rows === null ? 'rows that nobody counted' : `${grouped(rows)} rows`
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
