import { readFileSync } from 'node:fs'
import type { ProductBundle } from '#lib/domain/contract/product.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'

/** What was deployed beside the function's code: a function on the path reads no control plane at run time. */
export function readProductBundle(directory: string): ProductBundle {
  const file = `${directory}/product.json`
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProductBundle
  } catch (cause) {
    throw new PlatformError(
      'bundle.unreadable',
      `${file} cannot be read: deploy the function again`,
      {
        cause,
      },
    )
  }
}
