import { createReadStream, type Stats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { CommandError } from './failure.ts'

/** A line of a file, counted from 1, without its end. */
export type Line =
  | { readonly number: number; readonly text: string; readonly endByte: number }
  | { readonly number: number; readonly problem: string; readonly endByte: number }

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Fails with one line unless this is a file that can be read and holds something. */
export async function checkedFile(file: string): Promise<Stats> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') {
      throw new CommandError('file.missing', `${file}: there is no such file`)
    }
    throw new CommandError('file.unreadable', `${file}: cannot be read (${error.code})`)
  })
  if (found.isDirectory())
    throw new CommandError('file.directory', `${file}: is a directory, not a file`)
  if (found.isFile() && found.size === 0)
    throw new CommandError('file.empty', `${file}: is empty: nothing to send`)
  return found
}

/**
 * The lines of a file, one after another. A line that is too long or no UTF-8 is a problem of its own and does not touch
 * the others; of one that is too long no more than the limit is held. Takes a byte order mark, LF and CR LF.
 */
export async function* readLines(file: string, maxLineBytes: number): AsyncGenerator<Line> {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  let number = 0
  let endByte = 0
  let parts: Buffer[] = []
  let lengthBytes = 0

  const finish = (): Line => {
    number += 1
    const bytes = Buffer.concat(parts)
    const length = lengthBytes
    parts = []
    lengthBytes = 0
    if (length > maxLineBytes) {
      const problem = `event is ${length.toLocaleString('en-US')} bytes, more than ${maxLineBytes.toLocaleString('en-US')}: not sent`
      return { number, problem, endByte }
    }
    const content = bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes
    try {
      // The decoder drops a byte order mark, which only the first line may have.
      return { number, text: utf8.decode(content), endByte }
    } catch {
      return { number, problem: 'is not valid UTF-8: not sent', endByte }
    }
  }
  const take = (bytes: Buffer): void => {
    lengthBytes += bytes.length
    if (lengthBytes <= maxLineBytes) parts.push(bytes)
    else parts = []
  }

  try {
    for await (const chunk of createReadStream(file, { highWaterMark: 256 * 1024 })) {
      const bytes = chunk as Buffer
      let start = 0
      for (;;) {
        const end = bytes.indexOf(NEWLINE, start)
        if (end < 0) break
        take(bytes.subarray(start, end))
        endByte += end - start + 1
        yield finish()
        start = end + 1
      }
      take(bytes.subarray(start))
      endByte += bytes.length - start
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    throw new CommandError('file.unreadable', `${file}: cannot be read (${code})`, { cause: error })
  }
  if (lengthBytes > 0) yield finish()
}
