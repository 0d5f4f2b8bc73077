import { describe, expect, it } from 'vitest'
import { errorIn } from '#lib/adapters/logs/error-line.ts'

describe('a line of a function’s log', () => {
  it.each([
    [
      'PlatformError: shard s waits after 0011: verdicts x cannot be read',
      'PlatformError: shard s waits after 0011: verdicts x cannot be read',
    ],
    [
      '{"timestamp":"t","level":"ERROR","message":{"errorType":"PlatformError","errorMessage":"table weir.trips is on hold:\\nto look","stackTrace":[]},"requestId":"r"}',
      'PlatformError: table weir.trips is on hold:; to look',
    ],
    ['{"level":"ERROR","message":"shard waits","shard":"s"}', 'shard waits'],
    [
      '{"time":"t","type":"platform.report","record":{"requestId":"r","status":"timeout"}}',
      'the function timed out',
    ],
    [
      '2026-01-01T00:00:00Z 8fa6 Task timed out after 900.10 seconds',
      'Task timed out after 900.10 seconds',
    ],
    [
      '2026-01-01T00:00:00.000Z\t8fa6\tERROR\tInvoke Error TypeError: x is not a function',
      'TypeError: x is not a function',
    ],
  ])('tells of an error: %j', (line, message) => {
    expect(errorIn(line)).toBe(message)
  })

  it.each([
    'START RequestId: a0bd Version: $LATEST',
    '{"level":"INFO","message":"batch archived","rejected":3}',
    '{"time":"t","type":"platform.report","record":{"status":"success"}}',
    '    at file:///var/task/index.mjs:110:63067',
    '{broken ERROR',
    '',
  ])('tells of none: %j', (line) => {
    expect(errorIn(line)).toBeUndefined()
  })
})
