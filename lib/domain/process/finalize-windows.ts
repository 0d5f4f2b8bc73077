import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractVersions } from '#lib/domain/contract/contract-versions.ts'
import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import type { ProductLayout } from '#lib/domain/ingest/layout.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Predecessor } from '#lib/domain/kernel/sequence-number.ts'
import { START } from '#lib/domain/kernel/sequence-number.ts'
import type { Micros } from '#lib/domain/kernel/time.ts'
import type { TableName } from '#lib/domain/lake/catalog.ts'
import { type Change, type CommitOptions, commit } from '#lib/domain/lake/commit.ts'
import {
  type Fences,
  fencesProperty,
  fencesSummary,
  readFences,
  refuseOnHold,
} from '#lib/domain/lake/fences.ts'
import { createTableIfAbsent, type Lake, type Table } from '#lib/domain/lake/table.ts'
import {
  type ClosingLimits,
  closingFixed,
  closingSessions,
  type WindowSlots,
} from './closed-windows.ts'
import { expireSlots, slotLifeMs } from './expire-slots.ts'
import {
  featureTableLocation,
  featureTableName,
  featureTableSchema,
  featureTableSpec,
  hasFeatureTable,
} from './feature-table.ts'
import { type Lateness, latenessOf } from './lateness.ts'
import { resultFiles } from './result-files.ts'
import type { SlotStore } from './slot-store.ts'
import { revisedWindows, touchedPanes } from './touched-panes.ts'
import { contractOfView, definitionHash, stateNameOf, type ViewDefinition } from './view.ts'
import { cursorsOf, type StreamProgress, viewWatermark } from './view-watermark.ts'
import { isWhole } from './whole-windows.ts'
import { MIN_TIME } from './window.ts'

export interface FinalizeWindowsDependencies {
  readonly lake: Lake
  readonly journal: Journal
  readonly slots: SlotStore
  readonly stream: StreamProgress
  readonly contracts: ContractVersions
  readonly views: readonly ViewDefinition[]
  readonly layout: ProductLayout
  readonly database: string
  readonly commit?: CommitOptions
  readonly limits?: ClosingLimits
  /** Entries of one shard that one commit looks at, at most. */
  readonly maxEntriesPerShard?: number
  /** Another set of states and tables beside the first, such as a replay fills. */
  readonly generation?: string
  /** Panes that start before this were left out: windows that would need them get no row. @default none were */
  readonly from?: Micros
}

/** Of all views of the product together. */
export interface FinalizeReport {
  readonly commits: number
  /** Rows of windows that became final. */
  readonly rows: number
  /** Rows that took the place of others, because an event came after these. */
  readonly revised: number
  /** Windows that would have been revised if what they need had not expired. */
  readonly unrevised: number
}

const CLOSED_PROPERTY = 'weir.closed'
const DEFINITION_PROPERTY = 'weir.definition'
const MAX_ENTRIES_PER_SHARD = 200
/** Entries that a table leaves behind its fence while none of them changes a row. */
const MOST_IDLE_ENTRIES = 100

/**
 * Writes the final row of every window that the watermark has passed to the view's feature table, and replaces rows of
 * windows that got an event since. Rows, fences and how far windows are closed go into the table in one swap; whatever
 * interferes, all of it is computed anew from what the table says then. So a row is there once, a repeat or a zombie
 * changes nothing, and no bell has to be trusted.
 */
export async function finalizeWindows(deps: FinalizeWindowsDependencies): Promise<FinalizeReport> {
  const report = { commits: 0, rows: 0, revised: 0, unrevised: 0 }
  const failures: unknown[] = []
  for (const view of deps.views) {
    const run = viewRun(deps, view)
    if (run === undefined) continue
    try {
      const done = await finalizeView(run)
      report.commits += done.commits
      report.rows += done.rows
      report.revised += done.revised
      report.unrevised += done.unrevised
    } catch (error) {
      // What is wrong with one view must not stop the others; it is raised when they are done.
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
  return report
}

/** A view whose windows become final, with everything that is the same for all of them. */
export interface FinalView extends FinalizeWindowsDependencies {
  readonly view: ViewDefinition
  readonly contract: Contract
  readonly lateness: Lateness
  /** What states are filed under. */
  readonly name: string
  readonly table: TableName
}

function viewRun(deps: FinalizeWindowsDependencies, view: ViewDefinition): FinalView | undefined {
  const contract = contractOfView(view, deps.contracts)
  const lateness = latenessOf(contract)
  if (lateness === undefined || !hasFeatureTable(view, contract)) return undefined
  const table = featureTableName(contract.product, view, deps.generation)
  return {
    ...deps,
    view,
    contract,
    lateness,
    name: stateNameOf(view, deps.generation),
    table: { database: deps.database, name: table },
  }
}

async function finalizeView(run: FinalView): Promise<FinalizeReport> {
  const done = { commits: 0, rows: 0, revised: 0, unrevised: 0 }
  const created = await createTableIfAbsent(run.lake, {
    name: run.table,
    location: featureTableLocation(run.layout, run.table),
    schema: featureTableSchema(run.view, run.contract),
    spec: featureTableSpec(),
    properties: { [DEFINITION_PROPERTY]: definitionHash(run.view, run.contract) },
  })
  refuseRedefined(run, created)
  await settle(run, created)
  for (;;) {
    let plan: Plan | undefined
    const { committed, table } = await commit(
      run.lake,
      run.table,
      async (loaded) => {
        plan = await planOf(run, loaded)
        return plan.change
      },
      run.commit,
    )
    if (!committed) return done
    done.commits += 1
    done.rows += plan?.rows ?? 0
    done.revised += plan?.revised ?? 0
    done.unrevised += plan?.unrevised ?? 0
    await settle(run, table)
    if (plan?.isComplete !== false) return done
  }
}

interface Plan {
  readonly change?: Change
  readonly rows: number
  readonly revised: number
  readonly unrevised: number
  /** Whether nothing that could be done now is left. */
  readonly isComplete: boolean
}

/** Everything that this state of the table lacks. Asked again after every conflict and every lost answer. */
async function planOf(run: FinalView, table: Table): Promise<Plan> {
  refuseOnHold(table)
  const fences = await readFences(table)
  const closed = closedOf(table)
  // The order matters: the cursors before the slots, so that every slot holds at least what the cursor says; the
  // watermark from entries up to the cursor, so that no window is closed whose slots are still to be written.
  const cursors = await cursorsOf(run, run.name)
  const { entries, reached, isCut } = await entriesUpTo(run, fences, cursors)
  const watermark = await viewWatermark(run, cursors, run.lateness)
  const bound = Math.max(closed, watermark - run.lateness.allowed)
  const closing = await closingOf(run, closed, bound)
  const touched = await touchedPanes(run, entries, closed)
  const revision = await revisedWindows(run, touched, closed)
  const results = await resultFiles(run, table, wholeChunks(run, closing.chunks), {
    ...revision,
    windows: revision.windows.filter(({ window }) => isWhole(run.view.window, run.from, window)),
  })

  const isIdle = results.files.length === 0 && results.removed.length === 0
  const isComplete = !isCut && closing.closed >= bound
  if (isIdle && entries.length < MOST_IDLE_ENTRIES && isComplete) {
    return { rows: 0, revised: 0, unrevised: revision.incomplete, isComplete }
  }
  const summary = { ...fencesSummary(reached), [CLOSED_PROPERTY]: String(closing.closed) }
  return {
    change: {
      files: results.files,
      removed: results.removed,
      applied: results.applied,
      summary,
      setProperties: (snapshotId) => ({
        ...fencesProperty(snapshotId, reached),
        [CLOSED_PROPERTY]: String(closing.closed),
      }),
    },
    rows: results.rows,
    revised: results.revised,
    unrevised: revision.incomplete,
    isComplete,
  }
}

/** How far a table's windows are closed; from the beginning of time if none are. */
export function closedOf({ properties }: Table): Micros {
  const text = properties[CLOSED_PROPERTY]
  return text === undefined ? MIN_TIME : Number(text)
}

async function closingOf(run: FinalView, from: Micros, to: Micros) {
  const { window } = run.view
  if (to <= from || window.kind === 'running') return { closed: from, chunks: none() }
  return window.kind === 'session'
    ? closingSessions(run, window, from, to, run.limits)
    : closingFixed(run, window, from, to, run.limits)
}

async function* none(): AsyncGenerator<never> {}

async function* wholeChunks(
  { view, from }: FinalView,
  chunks: AsyncIterable<readonly WindowSlots[]>,
): AsyncGenerator<readonly WindowSlots[]> {
  for await (const chunk of chunks) {
    yield chunk.filter(({ window }) => isWhole(view.window, from, window))
  }
}

/** The entries from the table's fences up to the cursors, and the fences with them. */
async function entriesUpTo(
  { journal, maxEntriesPerShard = MAX_ENTRIES_PER_SHARD }: FinalView,
  fences: Fences,
  cursors: Awaited<ReturnType<typeof cursorsOf>>,
) {
  const entries: JournalEntry[] = []
  const reached: Record<string, Predecessor> = { ...fences }
  let isCut = false
  for (const [shard, { position }] of cursors) {
    reached[shard] ??= START
    const fence: Predecessor = reached[shard]
    if (position === START) continue
    const past = await journal.entriesAfter(shard, fence, maxEntriesPerShard)
    for (const entry of past) {
      if (entry.last > position) break
      entries.push(entry)
      reached[shard] = entry.last
    }
    if (past.length === maxEntriesPerShard && reached[shard] !== position) isCut = true
  }
  return { entries, reached, isCut }
}

/**
 * Lets slots of closed windows go, some time from now. Behind the commit, and from a progress of its own that only moves
 * when it is done: dying in between leaves slots that the next run finds again, never a slot that goes before its row.
 */
async function settle(run: FinalView, table: Table): Promise<void> {
  const to = { closed: closedOf(table), fences: await readFences(table) }
  await expireSlots(run, to, run.lake.clock.nowMs() + slotLifeMs(run.contract))
}

function refuseRedefined({ view, contract }: FinalView, table: Table): void {
  const before = table.properties[DEFINITION_PROPERTY]
  if (before === definitionHash(view, contract)) return
  const { database, name } = table.name
  throw new PlatformError(
    'view.redefined',
    `view "${view.name}" means something else than table ${database}.${name}: write "version: ${(view.version ?? 1) + 1}", and it gets a table of its own`,
  )
}
