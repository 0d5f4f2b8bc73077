import { PlatformError } from '../kernel/errors.ts'
import type { ObjectStore } from '../kernel/object-store.ts'

/** Where version number `version` of a table's metadata stands; unique, so that rivals never meet. */
export function metadataPath(location: string, version: number, uuid: string): string {
  return `${location}/metadata/${String(version).padStart(5, '0')}-${uuid}.metadata.json`
}

/** The version number in such a path; 0 for names that other engines make up. */
export function metadataVersion(path: string): number {
  return Number(/(\d+)-[^/]*\.metadata\.json[^/]*$/.exec(path)?.[1] ?? 0)
}

/**
 * Creates an object under a name that nobody else can have chosen. If it exists it must be our own write,
 * repeated after a lost answer; anything else means that ids repeat, and is `lake.nameTaken`.
 */
export async function writeNew(
  objects: ObjectStore,
  uri: string,
  body: Uint8Array,
  contentType: string,
): Promise<void> {
  if ((await objects.putIfAbsent(uri, body, { contentType })) === 'created') return
  const there = await objects.get(uri)
  if (Buffer.compare(there, body) === 0) return
  throw new PlatformError('lake.nameTaken', `another object stands at ${uri}`, { retryable: true })
}
