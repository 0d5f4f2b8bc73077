import { z } from 'zod'
import { asRunError } from '#lib/domain/backfill/failure.ts'
import { CHUNK_TRANSITIONS, type Units } from '#lib/domain/backfill/plan.ts'
import { type RunChunkDependencies, runChunk } from '#lib/domain/backfill/run-chunk.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { Log } from '#lib/domain/ops/log.ts'

export interface RunBackfillChunkDependencies extends RunChunkDependencies {
  readonly log: Log
  /** Does the work and hands over what it was billed. */
  readonly bill: <Result>(
    work: () => Promise<Result>,
    note: (units: Units) => Promise<void>,
  ) => Promise<Result>
}

const requestOf = z.object({ backfill: z.string().min(1).max(200), chunk: z.iso.date() })

/** What became of a chunk: a few numbers, since the state machine keeps the answers of all. */
export interface ChunkAnswer {
  readonly chunk: string
  readonly rows: number
}

/** Computes one chunk of a backfill's round. */
export function makeHandler({ log, bill, ...deps }: RunBackfillChunkDependencies) {
  return async (event: unknown): Promise<ChunkAnswer> => {
    const parsed = requestOf.safeParse(event)
    if (!parsed.success) {
      throw asRunError(
        new PlatformError('backfill.badRequest', `no chunk: ${z.prettifyError(parsed.error)}`),
      )
    }
    const { backfill, chunk } = parsed.data
    try {
      const record = await bill(
        () => runChunk(deps, backfill, chunk),
        (units) =>
          deps.store.spend(backfill, {
            ...units,
            // And one for this note: it adds to one small item.
            'dynamodb.writeUnits': (units['dynamodb.writeUnits'] ?? 0) + 1,
            'states.transitions': CHUNK_TRANSITIONS,
          }),
      )
      log.info('backfill chunk', { backfill, chunk, rows: record.rowsAfter })
      return { chunk, rows: record.rowsAfter }
    } catch (failure) {
      throw asRunError(failure)
    }
  }
}
