import { globSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from './failure.ts'

/** The files of contracts. `targets` are products or files; none means every product of the project. */
export async function contractTargets(
  root: string,
  targets: readonly string[],
): Promise<readonly string[]> {
  if (targets.length > 0) return targets.map((target) => fileOf(root, target))
  const files = contractsIn(root)
  if (files.length > 0) return files
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

function contractsIn(root: string): string[] {
  return globSync('products/*/contract.yaml', { cwd: root })
    .sort()
    .map((file) => join(root, file))
}

/** A product's name, unless it looks like a path. */
function fileOf(root: string, target: string): string {
  const isPath = target.includes('/') || /\.ya?ml$/.test(target)
  if (isPath) return join(target.startsWith('/') ? '' : process.cwd(), target)
  const known = contractsIn(root).map((file) => file.split('/').at(-2)!)
  if (known.includes(target)) return join(root, 'products', target, 'contract.yaml')
  throw new CommandError(
    'product.unknown',
    `unknown product "${target}": known are ${known.join(', ') || 'none yet'}; a file is given with its path`,
  )
}
