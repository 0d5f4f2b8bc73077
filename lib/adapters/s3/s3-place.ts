import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** Bucket and key of an `s3://` URI. Throws `objects.invalidUri`. */
export function placeOf(uri: string): { Bucket: string; Key: string } {
  const match = /^s3:\/\/([^/]+)\/(.*)$/s.exec(uri)
  if (match) return { Bucket: match[1]!, Key: match[2]! }
  throw new PlatformError('objects.invalidUri', `not an S3 URI: ${uri}`)
}
