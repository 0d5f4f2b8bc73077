import type { Command } from 'commander'
import pc from 'picocolors'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { committedFences } from '#lib/domain/ops/committed-fences.ts'
import { shardStandings } from '#lib/domain/ops/in-flight.ts'
import { fencesOf, rowsOf } from '#lib/domain/ops/product-tables.ts'
import { namedCounts, type RecentDrift, recentDrift } from '#lib/domain/ops/recent-drift.ts'
import { type Waiting, waitingShards } from '#lib/domain/ops/waiting-shards.ts'
import { localCloudStatus } from '#local/local-cloud.ts'
import { listOf } from './arguments.ts'
import { type DeployedCell, deployedCells, findCell, notRunning } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError, reportOf } from './failure.ts'
import { type FunctionProblem, lastErrors, problemLine } from './function-errors.ts'
import type { Register } from './program.ts'
import { productStores } from './stores.ts'
import { counted, grouped, table } from './terminal.ts'

export interface ProductStatus {
  readonly product: string
  /** Why nothing more is known; absent if all is well. */
  readonly problem?: string
  readonly shards: readonly {
    readonly shard: string
    readonly head: string
    readonly fence: string
    /** Journal entries that the table does not have yet. */
    readonly lagEntries: number
    /** Events in the stream that the journal does not have yet. */
    readonly undecidedEvents: number
  }[]
  readonly committed: number
  readonly quarantined: number
  readonly snapshot: { readonly id: string; readonly time: string } | null
  /** What does not go into a table, and why. */
  readonly waiting: readonly Waiting[]
  /** What its functions failed with lately. */
  readonly errors: readonly FunctionProblem[]
  /** What producers sent in the newest batches that no contract knew, by name; null if nothing is known. */
  readonly drift: RecentDrift | null
}

export interface StatusResult {
  readonly cloud: {
    readonly kind: 'local' | 'endpoint' | 'aws'
    readonly endpoint: string | null
    readonly running: boolean
    /** Whether this project started it. */
    readonly ours?: boolean
    readonly auth?: boolean
    readonly pid?: number
    readonly logFile?: string
  }
  readonly cells: readonly {
    readonly region: string
    readonly deployed: boolean
    readonly products: readonly ProductStatus[]
  }[]
}

/** An error that is older than this has passed, or its shard shows that it has not. */
const LATELY_MS = 10 * 60_000

/** What runs, what is deployed, and how far each product is. */
export async function status(
  context: CommandContext,
  regions?: readonly string[],
): Promise<StatusResult> {
  const cloud = await cloudStatus(context)
  if (!cloud.running) return { cloud, cells: [] }
  const names = await productNames(context.root)
  const found = regions
    ? await Promise.all(regions.map((region) => findCell(context, region)))
    : await deployedCells(context)
  const cells: StatusResult['cells'][number][] = []
  for (const [i, cell] of found.entries()) {
    const region = cell?.region ?? regions![i]!
    cells.push({
      region,
      deployed: cell !== undefined,
      products: cell === undefined ? [] : await productsOf(context, cell, names),
    })
  }
  return { cloud, cells }
}

async function cloudStatus(context: CommandContext): Promise<StatusResult['cloud']> {
  const { kind, endpoint = null, port } = context.target
  if (kind !== 'local') return { kind, endpoint, running: true }
  const { running, ours, auth, pid, logFile } = await localCloudStatus({
    port,
    stateDir: context.stateDir,
  })
  return {
    kind,
    endpoint,
    running,
    ours,
    ...(auth !== undefined && { auth }),
    ...(pid !== undefined && { pid }),
    ...(logFile !== undefined && { logFile }),
  }
}

async function productsOf(
  context: CommandContext,
  cell: DeployedCell,
  names: readonly string[],
): Promise<readonly ProductStatus[]> {
  return Promise.all(
    names.map((product) =>
      productStatus(context, cell.region, product).catch((error: unknown): ProductStatus => {
        if (context.signal.aborted) throw error
        const problem = reportOf(error).message
        return {
          product,
          problem,
          shards: [],
          committed: 0,
          quarantined: 0,
          snapshot: null,
          waiting: [],
          errors: [],
          drift: null,
        }
      }),
    ),
  )
}

async function productStatus(
  context: CommandContext,
  region: string,
  product: string,
): Promise<ProductStatus> {
  const stores = await productStores(context, region, product)
  const tables = await stores.tables()
  const current = tables.at(-1)?.table
  const fences = await committedFences(stores.journal, await fencesOf(tables))
  const watched = ['archive-events', 'commit-snapshots', 'update-windows'] as const
  const [standings, waiting, errors, drift, quarantined] = await Promise.all([
    shardStandings(stores.stream, stores.journal, fences),
    waitingShards(stores, tables),
    lastErrors(context, stores.deployed, watched, Date.now() - LATELY_MS),
    recentDrift(stores.journal),
    // By place: what two attempts of different code wrote is one event.
    stores.athena.run(`select count(distinct quarantine_id) from ${product}_quarantine`),
  ])
  const snapshot = current?.currentSnapshot
  return {
    product,
    ...(current === undefined && {
      problem: 'the table does not exist yet: run `npm run weir -- up`',
    }),
    shards: standings.map((one) => ({
      shard: one.shard,
      head: one.head,
      fence: one.fence,
      lagEntries: one.uncommittedEntries,
      undecidedEvents: one.undecidedEvents,
    })),
    committed: rowsOf(tables),
    quarantined: Number(quarantined.rows[0]?.[0] ?? 0),
    snapshot:
      snapshot === undefined
        ? null
        : {
            id: String(snapshot.snapshotId),
            time: new Date(snapshot.timestampMs).toISOString(),
          },
    waiting,
    errors,
    drift,
  }
}

export const registerStatus: Register = (program, run) => {
  program
    .command('status')
    .summary('what runs, what is deployed, how far each product is')
    .description(
      'Shows the cloud, the cells, and for each product its shards: the journal’s head, the table’s fence, what lies between, who waits, and what its functions failed with in the last ten minutes.',
    )
    .option('--regions <list>', 'regions to look at (default: wherever a cell is)', listOf)
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- status',
        '',
        'With --json: {cloud, cells: [{region, deployed, products: [{product, shards, committed, quarantined, snapshot,',
        'waiting, errors, drift}]}]}.',
        'Exit 1 if the local cloud does not run, or a region that was asked for has no cell.',
      ].join('\n'),
    )
    .action((options: { regions?: string[] }, command: Command) =>
      run(command, async (context) => {
        const result = await status(context, options.regions)
        if (!context.terminal.json) printStatus(context, result)
        if (!result.cloud.running) throw notRunning(context, undefined, result)
        const failure = failureOf(result)
        if (failure !== undefined) {
          throw new CommandError('status.notDeployed', failure, { document: result })
        }
        context.terminal.document(result)
      }),
    )
}

function failureOf({ cells }: StatusResult): string | undefined {
  if (cells.length === 0) return 'no cell is deployed: run `npm run weir -- up`'
  const missing = cells.filter((cell) => !cell.deployed).map((cell) => cell.region)
  if (missing.length === 0) return undefined
  const list = missing.join(',')
  return `no cell in ${missing.join(', ')}: run \`npm run weir -- up --regions ${list}\``
}

function printStatus({ terminal }: CommandContext, { cloud, cells }: StatusResult): void {
  if (!cloud.running) return
  const notes = [
    cloud.kind,
    ...(cloud.ours === false ? ['not started from this project'] : []),
    ...(cloud.auth ? ['IAM enforced'] : []),
    ...(cloud.pid === undefined ? [] : [`pid ${cloud.pid}`]),
  ]
  terminal.line(`cloud  ${cloud.endpoint ?? 'AWS'} (${notes.join(', ')})`)
  for (const cell of cells) {
    terminal.line()
    terminal.line(`${pc.bold(cell.region)}${cell.deployed ? '' : ' (not deployed)'}`)
    for (const product of cell.products) {
      const snapshot = product.snapshot ? `, newest snapshot ${product.snapshot.time}` : ''
      terminal.line(
        `${product.product}: ${counted(product.committed, 'row')} committed${snapshot}, ${grouped(product.quarantined)} in quarantine`,
      )
      for (const line of driftLines(product.drift)) terminal.line(line)
      for (const line of product.waiting.map(waitingLine)) terminal.line(pc.red(line))
      for (const line of product.errors.map(problemLine)) terminal.line(pc.red(line))
      if (product.problem !== undefined) terminal.line(pc.red(product.problem))
      if (product.shards.length === 0) continue
      const rows = product.shards.map((one) => [
        one.shard,
        shortened(one.head),
        shortened(one.fence),
        grouped(one.lagEntries),
        grouped(one.undecidedEvents),
      ])
      const head = ['shard', 'journal head', 'table fence', 'entries behind', 'events to archive']
      terminal.line(table(head, rows, { right: [3, 4] }))
    }
  }
}

function waitingLine({ table, shard, reason }: Waiting): string {
  return `${shard === undefined ? table : `${table}, ${shard}`} waits: ${reason}`
}

function driftLines(drift: RecentDrift | null): readonly string[] {
  if (drift === null) return []
  const of = `in the newest ${grouped(drift.batches)} batches`
  return [
    [`unknown fields ${of}`, namedCounts(drift.unknownFields)],
    [`unknown contract versions ${of}, in quarantine`, namedCounts(drift.unknownVersions)],
  ].flatMap(([what, names]) => (names === undefined ? [] : [`${what}: ${names}`]))
}

/** Positions of one shard share their first digits: their end tells them apart. */
function shortened(position: string): string {
  return position.length <= 16 ? position : `…${position.slice(-15)}`
}
