import { hasCode } from '#lib/domain/kernel/errors.ts'
import { type Announce, eventOf } from './announce.ts'
import { needsDecision, type Wake, waitForApproval } from './approve.ts'
import { requireBackfill } from './backfill-store.ts'
import { beginBackfill } from './begin.ts'
import { type EndDependencies, endBackfill, type RunError } from './end.ts'
import { chunkRecords, landBackfill } from './landing.ts'
import { publishBackfill } from './publish.ts'
import { backfilledView } from './range-tables.ts'
import { refuseStopped } from './stop.ts'

/** The steps of a run beside its chunks, as the state machine names them. */
export const BACKFILL_STEPS = ['look', 'wait', 'begin', 'land', 'publish', 'end'] as const
export type BackfillStep = (typeof BACKFILL_STEPS)[number]

export interface StepDependencies extends EndDependencies {
  readonly announce: Announce
  readonly wake: Wake
}

export interface StepRequest {
  readonly backfill: string
  readonly step: BackfillStep
  /** Of the step `wait`. */
  readonly token?: string
  /** Of the step `end`. */
  readonly error?: RunError
}

/** What comes next: the machine chooses by `next`. */
export interface StepAnswer {
  readonly next: 'wait' | 'begin' | 'chunks' | 'publish' | 'end' | 'done'
  /** To be run now, of `chunks`. */
  readonly chunks: readonly string[]
  /** Whether these are too many for one execution's history. */
  readonly isLarge: boolean
}

/** A Map keeps its iterations in the execution's history, which has 25,000 events. */
const MOST_INLINE_CHUNKS = 1_000

/** Does one step of a run and says what comes next. Each may be repeated. */
export async function runStep(deps: StepDependencies, request: StepRequest): Promise<StepAnswer> {
  const { backfill: id } = request
  switch (request.step) {
    case 'look':
      return answer(await lookAt(deps, id))
    case 'wait':
      await waitForApproval(deps, id, request.token!)
      return answer('begin')
    case 'begin': {
      const begun = await beginBackfill(deps, id)
      await deps.announce(eventOf(begun, 'begins', backfilledView(deps, begun.request)))
      return answer('chunks', (await chunkRecords(deps, begun)).missing)
    }
    case 'land': {
      const landing = await landBackfill(deps, id)
      return landing.outcome === 'landed' ? answer('publish') : answer('chunks', landing.chunks)
    }
    case 'publish': {
      const published = await publishBackfill(deps, id)
      return published.outcome === 'published' ? answer('end') : answer('chunks', published.chunks)
    }
    case 'end':
      await endBackfill(deps, id, request.error)
      return answer('done')
  }
}

async function lookAt({ store }: StepDependencies, id: string): Promise<StepAnswer['next']> {
  const backfill = await requireBackfill(store, id)
  try {
    refuseStopped(backfill)
  } catch (error) {
    if (hasCode(error, 'backfill.stopped')) return 'end'
    throw error
  }
  if (needsDecision(backfill)) return 'wait'
  return backfill.approval?.decision === 'refused' ? 'end' : 'begin'
}

function answer(next: StepAnswer['next'], chunks: readonly string[] = []): StepAnswer {
  return { next, chunks, isLarge: chunks.length > MOST_INLINE_CHUNKS }
}
