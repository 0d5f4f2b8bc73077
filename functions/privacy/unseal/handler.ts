import { z } from 'zod'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Log } from '#lib/domain/ops/log.ts'
import type { RowRate } from '#lib/domain/privacy/row-rate.ts'
import {
  MOST_ROWS,
  type UnsealDependencies,
  type Unsealed,
  unseal,
} from '#lib/domain/privacy/unseal.ts'

export interface UnsealHandlerDependencies extends UnsealDependencies {
  /** The newest. */
  readonly contract: Pick<Contract, 'product' | 'purposes'>
  readonly rate: RowRate
  readonly log: Log
}

const requestSchema = z.object({
  rows: z
    .array(
      z.object({
        shard: z.string().min(1).max(128),
        sequence: z.string().regex(/^\d{4,}$/),
        index: z.number().int().min(0),
        token: z.string().min(1).max(64),
      }),
    )
    .max(MOST_ROWS),
})

/** What the handler is told of its call: which name of the function was called. */
export interface Invocation {
  readonly invokedFunctionArn: string
  readonly awsRequestId: string
}

/**
 * Opens rows for a purpose. The purpose is the alias that was called, which IAM allows or not: nobody can claim another.
 * Each call is logged with purpose, rows and people, never with a value. Throws `privacy.noPurpose`,
 * `privacy.badRequest`, `privacy.tooFast`, and what `unseal` throws.
 */
export function makeHandler(deps: UnsealHandlerDependencies) {
  return async (
    event: unknown,
    { invokedFunctionArn, awsRequestId }: Invocation,
  ): Promise<Unsealed> => {
    const { contract, log, rate } = deps
    const purpose = invokedFunctionArn.split(':')[7]
    if (purpose === undefined || contract.purposes?.includes(purpose) !== true) {
      throw new PlatformError(
        'privacy.noPurpose',
        `personal fields of ${contract.product} are opened for ${contract.purposes?.join(', ') ?? 'nothing'}, not for "${purpose ?? 'no purpose'}": call the function by its alias`,
      )
    }
    const request = requestSchema.safeParse(event)
    if (!request.success) {
      const problems = request.error.issues.map((one) => `${one.path.join('.')}: ${one.message}`)
      throw new PlatformError('privacy.badRequest', problems.join('; '))
    }
    const rows = request.data.rows.map((row) => ({
      ...row,
      sequence: parseSequenceNumber(row.sequence),
    }))
    const asked = { purpose, requestId: awsRequestId, rows: rows.length }
    // Before anything is opened: a call that dies midway was still made.
    log.info('unsealing asked for', asked)
    rate.take(rows.length)
    const unsealed = await unseal(deps, rows)
    log.info('unsealed', { ...asked, subjects: unsealed.subjects })
    return unsealed
  }
}
