import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { CommandError } from './failure.ts'

/** A contract that a command is about. */
export interface ContractTarget {
  readonly path: string
  /** The product whose newest contract it is; absent for any other file. */
  readonly product?: string
}

/** The files of contracts. `targets` are products or files; none means every product of the project. */
export async function contractTargets(
  root: string,
  targets: readonly string[],
): Promise<readonly ContractTarget[]> {
  const names = await productNames(root)
  if (targets.length > 0) return targets.map((target) => targetOf(root, names, target))
  if (names.length > 0) return names.map((name) => targetOf(root, names, name))
  throw new CommandError('contract.none', 'there is no products/*/contract.yaml to check')
}

/** The text of a contract's file, or one line that says why there is none. */
export async function textOf(path: string, file: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const why =
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EISDIR'
          ? 'is a directory, not a file'
          : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
            ? 'is not valid UTF-8'
            : `cannot be read (${code})`
    throw new CommandError('file.unreadable', `${file}: ${why}`)
  }
}

/** A product's name, unless it looks like a path. */
function targetOf(root: string, names: readonly string[], target: string): ContractTarget {
  const contractOf = (name: string) => join(root, 'products', name, 'contract.yaml')
  const isPath = target.includes('/') || /\.ya?ml$/.test(target)
  if (isPath) {
    const path = resolve(target)
    const product = names.find((name) => contractOf(name) === path)
    return product === undefined ? { path } : { path, product }
  }
  if (names.includes(target)) return { path: contractOf(target), product: target }
  throw new CommandError(
    'product.unknown',
    `unknown product "${target}": known are ${names.join(', ') || 'none yet'}; a file is given with its path`,
  )
}
