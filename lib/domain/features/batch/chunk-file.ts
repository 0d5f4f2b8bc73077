import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { BatchView, KeyPanes, PaneState } from './batch-states.ts'

const FORMAT = 'weir.batch/1'
export const CHUNK_CONTENT_TYPE = 'application/x-ndjson'

/** Whose states an object holds: read by another view they would be wrong numbers. */
export type StatesOf = Pick<BatchView, 'name' | 'definition'>

/** Keys with their panes as lines of JSON, a key per line; equal for equal states. */
export function encodeKeyPanes({ name, definition }: StatesOf, keys: readonly KeyPanes[]) {
  const lines = keys.map(({ key, panes }) =>
    JSON.stringify([
      key,
      ...panes.map(({ paneStart, eventTime: { min, max }, states }) => [
        paneStart,
        min,
        max,
        states,
      ]),
    ]),
  )
  const head = JSON.stringify({ format: FORMAT, view: name, definition, keys: keys.length })
  return Buffer.from(`${[head, ...lines].join('\n')}\n`)
}

/** Throws `features.batchUnreadable` for what is no such object, or one of another view. */
export function decodeKeyPanes(
  uri: string,
  { name, definition }: StatesOf,
  bytes: Uint8Array,
): readonly KeyPanes[] {
  const lines = Buffer.from(bytes).toString('utf8').split('\n')
  const head = parsed(uri, lines[0] ?? '') as Readonly<Record<string, unknown>>
  if (head.format !== FORMAT) throw unreadable(uri, `is no ${FORMAT}`)
  if (head.view !== name || head.definition !== definition) {
    throw unreadable(uri, `is of view ${String(head.view)}, or of another definition of it`)
  }
  const keys = lines.slice(1, -1).map((line): KeyPanes => {
    const [key, ...panes] = parsed(uri, line) as [string, ...StoredPane[]]
    return { key, panes: panes.map(paneOf) }
  })
  if (keys.length !== head.keys) {
    throw unreadable(uri, `has ${keys.length} keys, not ${String(head.keys)}`)
  }
  return keys
}

type StoredPane = [paneStart: number, min: number, max: number, states: PaneState['states']]

function paneOf([paneStart, min, max, states]: StoredPane): PaneState {
  return { paneStart, eventTime: { min, max }, states }
}

function parsed(uri: string, line: string): object {
  try {
    return JSON.parse(line) as object
  } catch {
    throw unreadable(uri, 'is cut off or damaged')
  }
}

function unreadable(uri: string, problem: string): PlatformError {
  return new PlatformError(
    'features.batchUnreadable',
    `${uri} ${problem}: remove it, and begin the run anew`,
    { context: { uri } },
  )
}
