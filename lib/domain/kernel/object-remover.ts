/**
 * Removes objects for good: a port of its own, so that only maintenance is given it. Nothing on the data's path can
 * remove anything.
 */
export interface ObjectRemover {
  /** One that is not there is no failure. Throws the first failure after trying all. */
  remove(uris: readonly string[]): Promise<void>
}
