/** One record on its way to the stream. */
export interface OutgoingRecord {
  readonly partitionKey: string
  /** Where in the stream's range of hash keys, 0 to 2^128 - 1, the record belongs: in digits. */
  readonly hashKey: string
  readonly data: Uint8Array
}

/** What the stream said about one record. */
export type RecordOutcome =
  | { readonly accepted: true }
  | {
      readonly accepted: false
      /** Whether sending it again may help: throttling and faults, not what is wrong with the record. */
      readonly retryable: boolean
      readonly reason: string
    }

/** A stream as a producer sees it. */
export interface RecordSink {
  /** The most that one call takes. */
  readonly limits: {
    readonly records: number
    readonly bytes: number
    readonly recordBytes: number
  }
  /**
   * One attempt, no repeats inside. Answers an outcome per record, in the same order. Throws if the outcome of the
   * whole call is unknown: then every record may or may not be in the stream.
   */
  put(records: readonly OutgoingRecord[]): Promise<readonly RecordOutcome[]>
}
