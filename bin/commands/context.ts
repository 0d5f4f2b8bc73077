import { loadProduct, productNames } from '#lib/adapters/files/product-files.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { CommandError } from './failure.ts'
import type { Target } from './target.ts'
import type { Terminal } from './terminal.ts'

/** What every command works with. */
export interface CommandContext {
  /** The project's folder. */
  readonly root: string
  /** Logs and records of what was started: `<root>/.weir`. */
  readonly stateDir: string
  readonly target: Target
  readonly terminal: Terminal
  /** Aborted when the person asks to stop. */
  readonly signal: AbortSignal
}

/** The product with this name, whatever the others are like, or one line naming those there are. */
export async function productNamed(context: CommandContext, name: string): Promise<Product> {
  const names = await productNames(context.root)
  if (names.includes(name)) return loadProduct(context.root, name)
  const known = names.join(', ') || 'none yet'
  throw new CommandError('product.unknown', `unknown product "${name}": known are ${known}`)
}
