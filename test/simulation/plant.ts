import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** A defect to be put into the code under test: one stretch of one file becomes another. */
export interface PlantedBug {
  readonly name: string
  /** From the root of the project. */
  readonly file: string
  /** Stands in the file exactly once. */
  readonly search: string
  readonly replace: string
  /** Runs from seed 0 on within which it must be caught. */
  readonly within: number
}

const root = join(import.meta.dirname, '../..')

/** How often the text stands in its file. */
export function placesOf({ file, search }: PlantedBug): number {
  return readFileSync(join(root, file), 'utf8').split(search).length - 1
}

/**
 * Plants a bug in every import of this process from now on; the file itself stays as it is. Throws if the text is
 * not found exactly once: then the code has changed and the bug has to follow it.
 */
export function plant(bug: PlantedBug): void {
  const { name, file, search, replace } = bug
  const path = join(root, file)
  const found = placesOf(bug)
  if (found !== 1) {
    throw new Error(`bug "${name}": its text stands ${found} times in ${file}, not once`)
  }
  const url = pathToFileURL(path).href
  registerHooks({
    load(loaded, context, nextLoad) {
      const module = nextLoad(loaded, context)
      if (loaded !== url || module.source == null) return module
      // A function: what stands for itself in a replacement text must stay as it is.
      return { ...module, source: String(module.source).replace(search, () => replace) }
    },
  })
}
