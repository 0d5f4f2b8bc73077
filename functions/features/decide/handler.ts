import { z } from 'zod'
import {
  type Decision,
  type DecisionRequest,
  decide,
  keysOf,
  requestColumns,
} from '#lib/domain/features/decide/decide.ts'
import type { DecisionDefinition, DecisionLog } from '#lib/domain/features/decide/decision.ts'
import type { DecisionStore, KeptDecision } from '#lib/domain/features/decide/decision-store.ts'
import { type DecisionEvent, eventOfDecision } from '#lib/domain/features/decide/log-event.ts'
import { type TypedDecision, typedDecision } from '#lib/domain/features/decide/typed-decision.ts'
import {
  FeatureReader,
  type FeatureReaderDependencies,
} from '#lib/domain/features/feature-reader.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

export interface DecideDependencies extends FeatureReaderDependencies {
  readonly decisions: readonly DecisionDefinition[]
  readonly store: DecisionStore
  /** Resolves once the stream of the log's product has the event. */
  readonly log: (log: DecisionLog, event: DecisionEvent) => Promise<void>
}

const requestSchema = z.object({
  decision: z.string(),
  request: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Names the request: the same one again gets the same answer. */
  id: z.string().min(1).max(200).optional(),
  /** RFC 3339; now if absent. */
  at: z.iso.datetime({ offset: true }).optional(),
})

/**
 * Answers a request from features. Throws `decision.badRequest`, `decision.unknown`, and `features.stale` where a view wants
 * an error.
 */
export function makeHandler(deps: DecideDependencies) {
  const reader = new FeatureReader(deps)
  const known = new Map(deps.decisions.map((one) => [one.name, typedDecision(one, deps)]))
  return async (event: unknown): Promise<Decision | KeptDecision> => {
    const asked = parsed(event)
    const decision = known.get(asked.decision)
    if (decision === undefined) {
      const names = [...known.keys()].join(', ')
      throw new PlatformError(
        'decision.unknown',
        `no decision "${asked.decision}": known are ${names}`,
      )
    }
    const { log } = decision.definition
    if (log !== undefined && asked.id === undefined) {
      throw new PlatformError(
        'decision.badRequest',
        `${asked.decision}: is logged: give the request an id, so that it may come twice`,
      )
    }
    const features = await read(decision, asked.request, asked.at)
    const made = decide(decision, asked.request, features)
    if (log === undefined) return made
    return await keep(made, asked.id!, log)
  }

  async function read(
    decision: TypedDecision,
    request: DecisionRequest,
    at: string | undefined,
  ): Promise<readonly FeatureValues[]> {
    const keys = keysOf(decision, requestColumns(decision, request))
    const wanted = decision.features.map(({ as, view }, i) => {
      const key = keys[i] ?? undefined
      if (key !== undefined) return { view: view.name, key }
      throw new PlatformError('decision.badRequest', `${as}: the request gives no key`)
    })
    const answers = await reader.read(wanted, at === undefined ? undefined : Date.parse(at) * 1000)
    return answers.map((answer) => {
      if (!('error' in answer)) return answer
      throw new PlatformError(answer.error.code, answer.error.message)
    })
  }

  /**
   * Kept before it is logged: whoever dies in between is asked again, adopts what was decided and logs that. The event is
   * named by the request, so that the product takes it once.
   */
  async function keep(made: Decision, id: string, log: DecisionLog): Promise<KeptDecision> {
    const nowMs = deps.clock.nowMs()
    const decision = { ...made, id, decidedAt: new Date(nowMs).toISOString() }
    const kept = await deps.store.keep(decision, nowMs + log.rememberSeconds * 1000)
    await deps.log(log, eventOfDecision(kept))
    return kept
  }
}

function parsed(event: unknown) {
  const request = requestSchema.safeParse(event)
  if (request.success) return request.data
  const problems = request.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
  throw new PlatformError('decision.badRequest', problems.join('; '))
}
