import { describe, expect, it } from 'vitest'
import { UNKNOWN_VERSION } from '#lib/domain/ingest/decode-by-version.ts'
import { EventLines } from '#lib/domain/ingest/decoder/received-events.ts'
import { ENVELOPE_REASONS } from '#lib/domain/ingest/envelope.ts'
import { decodeQuarantine, encodeQuarantine } from '#lib/domain/ingest/quarantine-file.ts'
import { UNDECODABLE_REASONS } from '#lib/domain/ingest/raw-event.ts'
import { rejectionPath } from '#lib/domain/ingest/rejection-path.ts'
import { utf8At } from '#lib/domain/kernel/columns.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'

describe('the path of a rejection', () => {
  it.each([
    ['fare_amount.belowMinimum', 'data.fare_amount'],
    ['address.zip.tooLong', 'data.address.zip'],
    ['event.missing', 'data.event'],
    ['undecodable.type', 'data.undecodable'],
    ['rule:pickup_before_dropoff', 'data'],
    ['event.eventType', 'type'],
    [UNKNOWN_VERSION, 'dataschema'],
  ])('of %s is %s', (reason, path) => {
    expect(rejectionPath(reason)).toBe(path)
  })

  it('is known for every reason of an envelope, or there is none', () => {
    const paths = ENVELOPE_REASONS.map((reason) => rejectionPath(reason))

    expect(paths).toEqual([
      ...Array(4).fill(undefined),
      'specversion',
      'id',
      'source',
      'type',
      'datacontenttype',
      'data',
    ])
    expect(UNDECODABLE_REASONS.map((reason) => rejectionPath(reason))).toEqual(
      UNDECODABLE_REASONS.map(() => undefined),
    )
  })
})

describe('a quarantine file', () => {
  const at = (digits: string, index: number) => ({
    sequence: sequenceNumber(digits),
    index,
    arrivalMicros: 1_700_000_000_123_000,
  })
  const text = '{"id":"a","data":{"note":"żółw 🐢"}}'
  const stub = {
    kind: 'stub',
    ...at('12', 0),
    index: 0,
    lengthBytes: 3,
    sha256: 'ff',
    reason: 'undecodable.notJson',
  } as const
  const rejection = {
    reason: 'fare_amount.belowMinimum',
    detail: 'fare_amount is below 0',
    eventId: 'a',
    eventSource: '/s',
  }

  function quarantined(): Uint8Array {
    const lines = new EventLines()
    lines.begin([at('7', 0), stub])
    lines.append(0, { kind: 'event', ...at('7', 0), text: '{}' })
    lines.append(0, { kind: 'event', ...at('7', 1), text })
    lines.append(1, stub)
    const rejected = [
      { line: 1, ...rejection },
      {
        line: 2,
        reason: stub.reason,
        detail: 'no',
        eventId: undefined,
        eventSource: undefined,
      },
    ]
    return encodeQuarantine('shard', '1.0.0', rejected, lines)
  }

  it('gives back what was rejected, to the byte', async () => {
    const rows = await decodeQuarantine(quarantined())

    const { detail: _, ...shown } = rejection
    expect(rows).toEqual([
      { ...at('7', 1), ...shown, text },
      { ...at('12', 0), reason: 'undecodable.notJson' },
    ])
  })

  it('says where in the event it was wrong', async () => {
    const { columns } = await decodeParquet(quarantined(), ['path'])
    const path = columns.get('path')!

    expect(path.kind === 'utf8' && utf8At(path, 0)).toBe('data.fare_amount')
    expect(path.nulls).toEqual(Uint8Array.of(0, 1))
  })
})
