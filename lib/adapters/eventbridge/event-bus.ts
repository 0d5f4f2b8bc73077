import type { Announce } from '#lib/domain/backfill/announce.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { callJson, type JsonService, type JsonServiceProps } from '../aws/json-service.ts'

const EVENTS: JsonService = { name: 'events', target: 'AWSEvents', version: '1.1' }

/** Where whoever wants to be told finds the events: `source` of a rule's pattern. */
export const EVENT_SOURCE = 'weir'

interface PutAnswer {
  readonly FailedEntryCount?: number
  readonly Entries?: readonly { readonly ErrorCode?: string; readonly ErrorMessage?: string }[]
}

/** Tells of backfills on the account's default event bus. */
export function announceOnBus(props: JsonServiceProps): Announce {
  return async (event) => {
    const { FailedEntryCount: failed = 0, Entries: [entry] = [] } = await callJson<PutAnswer>(
      props,
      EVENTS,
      'PutEvents',
      {
        Entries: [
          {
            Source: EVENT_SOURCE,
            DetailType: `Backfill ${event.phase}`,
            Detail: JSON.stringify(event),
          },
        ],
      },
    )
    if (failed === 0) return
    throw new PlatformError(
      'backfill.notTold',
      `the event bus refused "${event.phase}": ${entry?.ErrorCode} ${entry?.ErrorMessage ?? ''}`.trim(),
      { retryable: true },
    )
  }
}
