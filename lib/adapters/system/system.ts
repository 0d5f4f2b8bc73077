import { randomBytes, randomUUID } from 'node:crypto'
import type { Clock, IdSource } from '#lib/domain/kernel/clock.ts'

/** The machine's own clock. */
export const systemClock: Clock = { nowMs: () => Date.now() }

/** Bytes from the machine's own randomness, fit for keys. */
export const systemRandom = (count: number): Uint8Array => randomBytes(count)

/** The machine's own randomness. */
export const systemIds: IdSource = {
  snapshotId: () => randomBytes(8).readBigUInt64BE() >> 1n,
  uuid: () => randomUUID(),
}
