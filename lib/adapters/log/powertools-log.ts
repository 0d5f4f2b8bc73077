import { Logger } from '@aws-lambda-powertools/logger'
import type { Log } from '#lib/domain/ops/log.ts'

/** JSON lines for CloudWatch, each with cell and product. */
export function createLog(env: { readonly WEIR_CELL: string; readonly WEIR_PRODUCT: string }): Log {
  const logger = new Logger({
    serviceName: 'weir',
    persistentKeys: { cell: env.WEIR_CELL, product: env.WEIR_PRODUCT },
  })
  return {
    info: (message, facts) => logger.info(message, { ...facts }),
    error: (message, facts) => logger.error(message, { ...facts }),
  }
}
