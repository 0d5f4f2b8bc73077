import type { Command } from 'commander'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { type ListedFile, listFiles } from '#lib/domain/lake/inspect/file-listing.ts'
import { diffSnapshots, type SnapshotDiff } from '#lib/domain/lake/inspect/snapshot-diff.ts'
import { type HistoryEntry, snapshotHistory } from '#lib/domain/lake/inspect/snapshot-history.ts'
import { summarizeTable, type TableSummary } from '#lib/domain/lake/inspect/table-summary.ts'
import { positiveNumber, snapshotOrTime } from './arguments.ts'
import { bytesText } from './byte-text.ts'
import { cellIn } from './cells.ts'
import { type CommandContext, productNamed } from './context.ts'
import type { Run } from './program.ts'
import { productStores } from './stores.ts'
import { advised } from './table-advice.ts'
import {
  ifThere,
  knownTables,
  openKnown,
  openTable,
  snapshotNamed,
  tablesOf,
} from './table-target.ts'
import { counted, grouped, table } from './terminal.ts'

export interface ListedTable extends TableSummary {
  readonly table: string
  readonly product: string
  readonly kind: string
}

/** Every table of a cell, or of one product in it. A table that has not been made yet is left out. */
export async function listTables(
  context: CommandContext,
  region: string,
  productName?: string,
): Promise<readonly ListedTable[]> {
  const products =
    productName === undefined
      ? await knownTables(context)
      : [tablesOf(await productNamed(context, productName))]
  await cellIn(context, region)
  const listed: ListedTable[] = []
  for (const { product, tables } of products) {
    const stores = await productStores(context, region, product.name).catch((error: unknown) => {
      // Of all products those that are there; one that was asked for has to be.
      if (productName !== undefined || !hasCode(error, 'product.notDeployed')) throw error
    })
    if (stores === undefined) continue
    for (const known of tables) {
      const opened = await openKnown(context, product.name, known, region, stores)
      const there = await ifThere(opened)
      if (there === undefined) continue
      const summary = await advised(opened, () => summarizeTable(there))
      listed.push({ table: known.name, product: product.name, kind: known.kind, ...summary })
    }
  }
  return listed
}

const NEWEST = 20

function iso(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString()
}

function micros(value: bigint): string {
  return new Date(Number(value / 1000n)).toISOString()
}

/** Adds the commands that only look. */
export function registerLooking(parent: Command, run: Run): void {
  registerList(parent, run)
  registerHistory(parent, run)
  registerFiles(parent, run)
  registerDiff(parent, run)
}

function registerList(parent: Command, run: Run): void {
  parent
    .command('list')
    .summary('every table: rows, files, snapshots, whether it is on hold')
    .description(
      'Lists the Iceberg tables of a cell: rows, files, bytes, average file size, snapshots, last commit, and why one is on hold.',
    )
    .argument('[product]', 'only those of this product')
    .requiredOption('--region <region>', 'the cell to look at')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table list --region us-east-1',
        '  npm run weir -- table list trips --region us-east-1',
        '',
        'With --json: {tables: [{table, product, kind, rows, files, bytes, averageFileBytes, snapshots, committedAt, onHold}]}',
      ].join('\n'),
    )
    .action((product: string | undefined, options: { region: string }, command: Command) =>
      run(command, async (context) => {
        const tables = await listTables(context, options.region, product)
        const { terminal } = context
        terminal.document({
          tables: tables.map(({ committedAtMs, onHold, ...rest }) => ({
            ...rest,
            committedAt: committedAtMs === undefined ? null : iso(committedAtMs),
            onHold: onHold ?? null,
          })),
        })
        const rows = tables.map((one) => [
          one.table,
          grouped(one.rows),
          grouped(one.files),
          bytesText(one.bytes),
          bytesText(one.averageFileBytes),
          grouped(one.snapshots),
          iso(one.committedAtMs),
          one.onHold === undefined ? '' : `on hold: ${one.onHold}`,
        ])
        const head = [
          'table',
          'rows',
          'files',
          'size',
          'average file',
          'snapshots',
          'last commit',
          '',
        ]
        terminal.line(table(head, rows, { right: [1, 2, 3, 4, 5] }))
      }),
    )
}

function registerHistory(parent: Command, run: Run): void {
  parent
    .command('history')
    .summary('the snapshots of a table')
    .description(
      'Shows the snapshots that a table retains, newest first: when, what was done, by whom, rows and files that came and went, and how many fences moved. A star marks the current one; a dash one that a rollback left behind.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell to look at')
    .option('--limit <number>', `snapshots at most (default: ${NEWEST})`, positiveNumber)
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- table history trips --region us-east-1',
        '',
        'With --json: {table, retained, snapshots: [{id, time, operation, maintenance, writer, isCurrent, isAncestor,',
        'added: {rows, files}, removed: {rows, files}, fencesMoved: [{shard, from, to}]}]}. Ids are text: they exceed 2^53.',
      ].join('\n'),
    )
    .action((name: string, options: { region: string; limit?: number }, command: Command) =>
      run(command, async (context) => {
        const opened = await openTable(context, name, options.region)
        const all = await advised(opened, async () => snapshotHistory(await opened.load()))
        const shown = all.slice(0, options.limit ?? NEWEST)
        const { terminal } = context
        terminal.document({
          table: name,
          retained: all.length,
          snapshots: shown.map(historyDocument),
        })
        const head = ['', 'snapshot', 'time', 'operation', 'by', 'rows', 'files', 'fences moved']
        terminal.line(table(head, shown.map(historyRow), { right: [5, 6, 7] }))
        if (shown.length < all.length) {
          terminal.line(`${grouped(shown.length)} of ${counted(all.length, 'snapshot')}`)
        }
      }),
    )
}

function historyDocument({
  snapshotId,
  timestampMs,
  fencesMoved,
  maintenance,
  ...rest
}: HistoryEntry) {
  return {
    id: String(snapshotId),
    time: iso(timestampMs),
    ...rest,
    maintenance: maintenance ?? null,
    fencesMoved: fencesMoved ?? null,
  }
}

function historyRow(one: HistoryEntry): readonly (string | number)[] {
  const mark = one.isCurrent ? '*' : one.isAncestor ? '' : '-'
  const moved = one.fencesMoved === undefined ? 'unknown' : grouped(one.fencesMoved.length)
  return [
    mark,
    String(one.snapshotId),
    iso(one.timestampMs),
    one.maintenance === undefined ? one.operation : `${one.operation} (${one.maintenance})`,
    one.writer,
    change(one.added.rows, one.removed.rows),
    change(one.added.files, one.removed.files),
    moved,
  ]
}

/** `+3 -1`; what is 0 is left out. */
function change(added: number, removed: number): string {
  const parts = [
    ...(added > 0 ? [`+${grouped(added)}`] : []),
    ...(removed > 0 ? [`-${grouped(removed)}`] : []),
  ]
  return parts.join(' ') || '0'
}

function registerFiles(parent: Command, run: Run): void {
  parent
    .command('files')
    .summary('the data files of a table')
    .description(
      'Lists the data files that a table consists of now, by partition: rows, bytes, and the bounds of the event time (of feature tables, of the start of the window).',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .requiredOption('--region <region>', 'the cell to look at')
    .option(
      '--partition <partition>',
      'only this one: pickup_at_day=2019-01-31, or just 2019-01-31',
    )
    .option('--limit <number>', 'files at most (default: all)', positiveNumber)
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table files trips --region us-east-1 --limit 20',
        '  npm run weir -- table files trips --region us-east-1 --partition 2019-01-31',
        '',
        'With --json: {table, files, rows, bytes, list: [{path, partition, rows, bytes, times: {min, max}}]}',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        options: { region: string; partition?: string; limit?: number },
        command: Command,
      ) =>
        run(command, async (context) => {
          const opened = await openTable(context, name, options.region)
          const { timeColumn } = opened.known
          const { partition, limit } = options
          const files = await advised(opened, async () =>
            listFiles(await opened.load(), {
              timeColumn,
              ...(partition === undefined ? {} : { partition }),
            }),
          )
          const shown = files.slice(0, limit ?? files.length)
          const sum = (of: 'rows' | 'bytes') => files.reduce((total, one) => total + one[of], 0)
          const { terminal } = context
          terminal.document({
            table: name,
            files: files.length,
            rows: sum('rows'),
            bytes: sum('bytes'),
            list: shown.map(fileDocument),
          })
          const rows = shown.map((one) => [
            one.partition,
            grouped(one.rows),
            bytesText(one.bytes),
            one.times === undefined ? '' : micros(one.times.min),
            one.times === undefined ? '' : micros(one.times.max),
            one.path,
          ])
          const head = ['partition', 'rows', 'size', `${timeColumn} from`, 'to', 'path']
          terminal.line(table(head, rows, { right: [1, 2] }))
          const of = shown.length < files.length ? `${grouped(shown.length)} of ` : ''
          terminal.line(
            `${of}${counted(files.length, 'file')}, ${counted(sum('rows'), 'row')}, ${bytesText(sum('bytes'))}`,
          )
        }),
    )
}

function fileDocument({ times, ...rest }: ListedFile) {
  return {
    ...rest,
    times: times === undefined ? null : { min: micros(times.min), max: micros(times.max) },
  }
}

function registerDiff(parent: Command, run: Run): void {
  parent
    .command('diff')
    .summary('what changed between two snapshots')
    .description(
      'Says what one snapshot of a table has and another has not: files, rows, columns, how new files are parted, properties. A time stands for the snapshot that was current then.',
    )
    .argument('<table>', 'the table, as `weir query` names it')
    .argument('<from>', 'a snapshot’s id, or a time', snapshotOrTime)
    .argument('<to>', 'a snapshot’s id, or a time', snapshotOrTime)
    .requiredOption('--region <region>', 'the cell to look at')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- table diff trips 4611686018428387904 4611686018428387911 --region us-east-1',
        '  npm run weir -- table diff trips 2026-01-31T17:00:00Z 2026-01-31T18:00:00Z --region us-east-1',
        '',
        'With --json: {table, from, to, rowsBefore, rowsAfter, added: {files, rows, bytes, paths}, removed: {...},',
        'deletes: {added, removed}, schema, partitioning, properties: [{key, before, after}]}. The last two are null where the metadata of then is gone.',
      ].join('\n'),
    )
    .action(
      (
        name: string,
        from: ReturnType<typeof snapshotOrTime>,
        to: ReturnType<typeof snapshotOrTime>,
        options: { region: string },
        command: Command,
      ) =>
        run(command, async (context) => {
          const opened = await openTable(context, name, options.region)
          const diff = await advised(opened, async () => {
            const loaded = await opened.load()
            const [a, b] = [from, to].map((one) => snapshotNamed(loaded, one).snapshotId)
            return diffSnapshots(opened.lake.objects, loaded, a!, b!)
          })
          const { terminal } = context
          terminal.document({
            table: name,
            ...diff,
            from: String(diff.from),
            to: String(diff.to),
            partitioning: diff.partitioning ?? null,
            properties: diff.properties ?? null,
          })
          for (const line of diffLines(diff)) terminal.line(line)
        }),
    )
}

const LONGEST_VALUE = 60

/** What a person reads of a diff. */
export function diffLines(diff: SnapshotDiff): readonly string[] {
  const files = (sign: string, { files: count, rows, bytes }: SnapshotDiff['added']) =>
    `${sign} ${counted(count, 'file')}, ${counted(rows, 'row')}, ${bytesText(bytes)}`
  const shortened = (value: string | undefined) =>
    value === undefined
      ? '(none)'
      : value.length > LONGEST_VALUE
        ? `${value.slice(0, LONGEST_VALUE)}…`
        : value
  const { partitioning, properties } = diff
  return [
    `${diff.from} to ${diff.to}: ${counted(diff.rowsBefore, 'row')} to ${counted(diff.rowsAfter, 'row')}`,
    files('+', diff.added),
    files('-', diff.removed),
    ...(diff.deletes.added + diff.deletes.removed === 0
      ? []
      : [
          `files that delete single rows: ${diff.deletes.added} came, ${diff.deletes.removed} went`,
        ]),
    `columns: ${diff.schema.length === 0 ? 'the same' : ''}`.trimEnd(),
    ...diff.schema.map((line) => `  ${line}`),
    ...(partitioning === undefined || properties === undefined
      ? ['partitioning and properties: not known any more, the metadata of then is gone']
      : [
          `partitioning: ${partitioning.length === 0 ? 'the same' : ''}`.trimEnd(),
          ...partitioning.map((line) => `  ${line}`),
          `properties: ${properties.length === 0 ? 'the same' : ''}`.trimEnd(),
          ...properties.map(
            ({ key, before, after }) => `  ${key}: ${shortened(before)} to ${shortened(after)}`,
          ),
        ]),
  ]
}
