/** Time and chance are passed in, so that a whole cell can run in virtual time from a seed. */
export interface Clock {
  /** Milliseconds since the epoch, UTC. */
  nowMs(): number
}

export interface IdSource {
  /** A positive 63-bit integer, as Iceberg wants its snapshot ids. */
  snapshotId(): bigint
  /** A random UUID in text form. */
  uuid(): string
}
