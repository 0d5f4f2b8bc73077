import { z } from 'zod'
import { asRunError, RUN_ERRORS, runErrorOf } from '#lib/domain/backfill/failure.ts'
import { STEP_TRANSITIONS, type Units } from '#lib/domain/backfill/plan.ts'
import {
  BACKFILL_STEPS,
  runStep,
  type StepAnswer,
  type StepDependencies,
} from '#lib/domain/backfill/steps.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Log } from '#lib/domain/ops/log.ts'

export interface StepBackfillDependencies extends Omit<StepDependencies, 'wake'> {
  readonly log: Log
  /** Does the work and hands over what it was billed. */
  readonly bill: <Result>(
    work: () => Promise<Result>,
    note: (units: Units) => Promise<void>,
  ) => Promise<Result>
}

const caughtError = z.object({ Error: z.string().optional(), Cause: z.string().optional() })

const requestOf = z.object({
  backfill: z.string().min(1).max(200),
  step: z.enum(BACKFILL_STEPS),
  token: z.string().min(1).optional(),
  /** Of the step `end`: what the machine has caught, if anything. */
  state: z.object({ error: caughtError.optional() }).optional(),
})

/** Does one step of a backfill's run and answers what comes next. */
export function makeHandler({ log, bill, ...deps }: StepBackfillDependencies) {
  // Whoever waits is this very invocation's state: an error is what wakes it.
  const wake = async () => {
    const decided = new Error('nobody has to be waited for')
    decided.name = RUN_ERRORS.decided
    throw decided
  }
  return async (event: unknown): Promise<StepAnswer> => {
    const parsed = requestOf.safeParse(event)
    if (!parsed.success) {
      throw asRunError(
        new PlatformError(
          'backfill.badRequest',
          `no step of a run: ${z.prettifyError(parsed.error)}`,
        ),
      )
    }
    const { backfill, step, token, state } = parsed.data
    let told = 0
    const announce: StepDependencies['announce'] = async (one) => {
      await deps.announce(one)
      told++
    }
    try {
      const answer = await bill(
        () =>
          runStep(
            { ...deps, announce, wake },
            {
              backfill,
              step,
              ...(token === undefined ? {} : { token }),
              ...(state?.error === undefined ? {} : { error: runErrorOf(state.error) }),
            },
          ),
        (units) =>
          deps.store.spend(backfill, {
            ...units,
            // And one for this note: it adds to one small item.
            'dynamodb.writeUnits': (units['dynamodb.writeUnits'] ?? 0) + 1,
            'states.transitions': STEP_TRANSITIONS,
            ...(told === 0 ? {} : { 'events.published': told }),
          }),
      )
      log.info('backfill step', { backfill, step, next: answer.next, chunks: answer.chunks.length })
      return answer
    } catch (failure) {
      throw asRunError(failure)
    }
  }
}
