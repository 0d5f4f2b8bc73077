import { z } from 'zod'
import {
  BEGUN,
  PUBLISH_PHASES,
  type PublishRun,
  type PublishRunDependencies,
  publishStep,
} from '#lib/domain/features/publish/publish-run.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Log } from '#lib/domain/ops/log.ts'

export interface PublishFeaturesHandlerDependencies
  extends Omit<PublishRunDependencies, 'shallStop'> {
  readonly log: Log
}

/** What is left of an invocation's time, as Lambda tells it. */
export interface InvocationTime {
  getRemainingTimeInMillis(): number
}

/** A piece of work that has begun takes a minute or two at most; the rest is for an answer. */
const RESERVED_MS = 4 * 60_000

/** It names objects and items. */
const runName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/)

const runOf = z.object({
  run: runName.optional(),
  /** Of the state machine: its name is the run's, if none is said. */
  execution: z.object({ name: runName }).optional(),
  by: z.string().min(1).max(100),
  cut: z.string().optional(),
  views: z.array(z.string()).optional(),
  override: z.string().min(1).max(1000).optional(),
  phase: z.enum([...PUBLISH_PHASES, 'done']).default(BEGUN.phase),
  at: z.int().min(0).default(BEGUN.at),
  /** Of the time that this call may take; whoever waits for an answer may not want to wait for all of it. */
  budgetSeconds: z.int().min(1).optional(),
})

/**
 * Does the next steps of a run and answers how far it is, for whoever calls again with the answer until it is `done`. Answers
 * the rest of its input as it came, since the caller may keep its own state there.
 */
export function makeHandler({ log, ...deps }: PublishFeaturesHandlerDependencies) {
  return async (event: unknown, time: InvocationTime): Promise<PublishRun> => {
    const parsed = runOf.safeParse(event)
    if (!parsed.success) {
      const problems = parsed.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
      throw badRequest(problems.join('; '))
    }
    const { budgetSeconds, execution, phase, at, ...asked } = parsed.data
    const name = asked.run ?? execution?.name
    if (name === undefined) throw badRequest('run: there is none')
    const said = { ...withoutAbsent(asked), run: name, phase, at }
    const run = { ...said, done: false, waitSeconds: 0 } as PublishRun
    const begun = time.getRemainingTimeInMillis()
    const spent = () => begun - time.getRemainingTimeInMillis()
    const shallStop = () =>
      time.getRemainingTimeInMillis() < RESERVED_MS ||
      (budgetSeconds !== undefined && spent() > budgetSeconds * 1000)
    try {
      const answer = await publishStep({ ...deps, shallStop }, run)
      log.info('published', { run: run.run, phase, at, next: answer.phase, nextAt: answer.at })
      return { ...(event as object), ...answer }
    } catch (error) {
      throw error instanceof PlatformError && !error.retryable ? named(error) : error
    }
  }
}

function badRequest(problems: string): PlatformError {
  return named(
    new PlatformError(
      'features.badRequest',
      `begin with {"run": "<a name of its own>", "by": "<who>"}, and go on with what the last call answered: ${problems}`,
    ),
  )
}

/** A state machine tells failures that a repeat may mend from others by their names. */
function named(error: PlatformError): PlatformError {
  error.name = error.code
  return error
}

function withoutAbsent(values: object): object {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
