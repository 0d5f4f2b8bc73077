import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { CommandError } from './failure.ts'

/**
 * Writes a generated file, over an older one of its kind: one that begins with the same mark. What a person wrote is left
 * alone. Fails with one line.
 */
export async function writeGenerated(file: string, text: string, mark: string): Promise<void> {
  const path = resolve(file)
  const there = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unwritable(file, error)
  })
  if (there !== undefined && there !== '' && !there.startsWith(mark)) {
    throw new CommandError(
      'file.exists',
      `${file}: is not a file that this command has written: name another one, or remove it`,
    )
  }
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  } catch (error) {
    throw unwritable(file, error as NodeJS.ErrnoException)
  }
}

function unwritable(file: string, { code }: NodeJS.ErrnoException): CommandError {
  const why = code === 'EISDIR' ? 'is a directory, not a file' : `cannot be written (${code})`
  return new CommandError('file.unwritable', `${file}: ${why}`)
}
