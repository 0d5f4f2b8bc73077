import { productNames } from '#lib/adapters/files/product-files.ts'
import { readProduct } from '#lib/adapters/files/read-product.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { CommandError } from './failure.ts'

/** Looks at the products one by one: what is wrong with another one does not matter here. */
export async function productOfView(root: string, view: string): Promise<Product> {
  const names = await productNames(root)
  const readings = await Promise.all(names.map((name) => readProduct(root, name)))
  const products = readings.flatMap((reading) => (reading.ok ? [reading.product] : []))
  const product = products.find((one) => one.views.some(({ name }) => name === view))
  if (product !== undefined) return product
  const known = products.flatMap((one) => one.views.map(({ name }) => name)).join(', ') || 'none'
  const unread = names.filter((_, at) => readings[at]?.ok === false)
  const besides =
    unread.length === 0
      ? ''
      : `; ${unread.join(', ')} cannot be read: run \`npm run weir -- contract check\``
  throw new CommandError('view.unknown', `unknown view "${view}": known are ${known}${besides}`)
}

/** Any ISO 8601 time as UTC; without an offset it is UTC already. */
export function instant(text: string): string {
  const isIso = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/i.test(
    text,
  )
  const hasOffset = /(Z|[+-]\d{2}:?\d{2})$/i.test(text.slice(10))
  const time = new Date(text.length === 10 || hasOffset ? text : `${text.replace(' ', 'T')}Z`)
  if (isIso && !Number.isNaN(time.getTime())) return time.toISOString()
  throw new CommandError('features.time', `--at "${text}" is no time: write 2019-01-31T18:00:00Z`, {
    exitCode: 2,
  })
}
