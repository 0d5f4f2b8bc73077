/**
 * Objects by absolute URI (`s3://bucket/key`), as Iceberg metadata names them.
 * Every method is strongly consistent; a missing object is a {@link PlatformError} `objects.notFound`.
 */
export interface ObjectStore {
  get(uri: string): Promise<Uint8Array>
  /** Writes or overwrites. Only for objects whose name already decides their content. */
  put(uri: string, body: Uint8Array, options?: PutOptions): Promise<void>
  /**
   * Creates the object exactly once. `exists` also answers a repeat of our own lost success:
   * the caller adopts what is there, whoever wrote it (S3 `If-None-Match: *`, 412; a 409 is repeated inside).
   */
  putIfAbsent(uri: string, body: Uint8Array, options?: PutOptions): Promise<'created' | 'exists'>
  /** Objects whose URI starts with the prefix, in URI order. */
  list(prefix: string): AsyncIterable<ObjectSummary>
}

export interface PutOptions {
  readonly contentType?: string
  /** KMS key to seal this object under, where it is not the bucket's own. */
  readonly kmsKeyId?: string
  /** For so many days from now nobody deletes or replaces it who may not lift the lock. */
  readonly lockDays?: number
}

export interface ObjectSummary {
  readonly uri: string
  readonly sizeBytes: number
  readonly lastModifiedMs: number
}
