import type { KeyPanes } from '#lib/domain/features/batch/batch-states.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { bufferItem, digestOf, type ItemsOf } from './buffer-items.ts'
import type { BufferItem, FeatureBuffers } from './feature-buffers.ts'

/** What a part of a view's keys came to. */
export interface PartCount {
  readonly keys: number
  readonly digest: string
}

const READ_AT_ONCE = 500

/**
 * Writes the items of some keys into a buffer. A repeat writes the same over itself. Throws `features.publishLost` if a
 * newer version has been begun there: its items are not touched.
 */
export async function writePart(
  buffers: FeatureBuffers,
  of: ItemsOf,
  keys: readonly KeyPanes[],
): Promise<PartCount> {
  const items = itemsOf(of, keys)
  const written = await buffers.write(items)
  const refused = written.filter((one) => !one).length
  if (refused > 0) {
    throw new PlatformError(
      'features.publishLost',
      `${of.view.name}: another run writes buffer ${of.building.buffer} by now: ${refused} items are of a newer version`,
    )
  }
  return { keys: items.length, digest: digestOf(items) }
}

/**
 * Reads back what stands in the buffer for these keys and counts it: what was acknowledged has to be there, and as it was
 * written. What differs shows in the digest.
 */
export async function countPart(
  buffers: FeatureBuffers,
  of: ItemsOf,
  keys: readonly KeyPanes[],
): Promise<PartCount> {
  const { version } = of.building
  const found: BufferItem[] = []
  for (let at = 0; at < keys.length; at += READ_AT_ONCE) {
    const some = keys.slice(at, at + READ_AT_ONCE)
    const wanted = some.map(({ key }) => ({ buffer: of.building.buffer, view: of.view.name, key }))
    const items = await buffers.read(wanted, { consistent: true })
    const byKey = new Map(items.map((item) => [item.key, item]))
    found.push(...some.flatMap(({ key }) => byKey.get(key) ?? []))
  }
  const own = found.filter((item) => item.version === version)
  return { keys: own.length, digest: digestOf(own) }
}

/** What `writePart` would count, without writing. */
export function expectedPart(of: ItemsOf, keys: readonly KeyPanes[]): PartCount {
  const items = itemsOf(of, keys)
  return { keys: items.length, digest: digestOf(items) }
}

function itemsOf(of: ItemsOf, keys: readonly KeyPanes[]): readonly BufferItem[] {
  return keys.flatMap((one) => bufferItem(of, one) ?? [])
}
