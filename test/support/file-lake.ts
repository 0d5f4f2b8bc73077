import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectRemover } from '#lib/domain/kernel/object-remover.ts'
import type { ObjectStore, ObjectSummary } from '#lib/domain/kernel/object-store.ts'
import type {
  Catalog,
  CatalogEntry,
  CreateInput,
  SwapInput,
  TableName,
} from '#lib/domain/lake/catalog.ts'

/** Objects as files, by their absolute paths, so that engines of other languages read them as they are. */
export class FileObjectStore implements ObjectStore, ObjectRemover {
  readonly #clock: Clock
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(uri: string): Promise<Uint8Array> {
    try {
      return readFileSync(uri)
    } catch (cause) {
      throw new PlatformError('objects.notFound', `there is no object ${uri}`, { cause })
    }
  }

  async put(uri: string, body: Uint8Array): Promise<void> {
    renameSync(this.#written(uri, body), uri)
  }

  async putIfAbsent(uri: string, body: Uint8Array): Promise<'created' | 'exists'> {
    const temporary = this.#written(uri, body)
    try {
      linkSync(temporary, uri)
      return 'created'
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return 'exists'
      throw error
    } finally {
      rmSync(temporary)
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectSummary> {
    const found = readdirSync(dirname(`${prefix}x`), { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile() && !one.name.endsWith('.temporary'))
      .map((one) => join(one.parentPath, one.name))
      .filter((uri) => uri.startsWith(prefix))
      .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const uri of found) {
      const { size, mtimeMs } = statSync(uri)
      yield { uri, sizeBytes: size, lastModifiedMs: mtimeMs }
    }
  }

  async remove(uris: readonly string[]): Promise<void> {
    for (const uri of uris) rmSync(uri)
  }

  /** As young as the clock says, which may not be the machine's. */
  #written(uri: string, body: Uint8Array): string {
    mkdirSync(dirname(uri), { recursive: true })
    const temporary = join(dirname(uri), `${this.#count++}.temporary`)
    writeFileSync(temporary, body)
    const seconds = this.#clock.nowMs() / 1000
    utimesSync(temporary, seconds, seconds)
    return temporary
  }
}

/** One table, whose catalog entry is the file `pointer.json` in its folder. For one process at a time. */
export class FileCatalog implements Catalog {
  readonly #pointer: string

  constructor(folder: string) {
    this.#pointer = join(folder, 'pointer.json')
  }

  async load(): Promise<CatalogEntry | undefined> {
    try {
      return JSON.parse(readFileSync(this.#pointer, 'utf8')) as CatalogEntry
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async create(table: TableName, { metadataLocation }: CreateInput): Promise<void> {
    if (await this.load()) throw conflict(table)
    this.#write({ metadataLocation, version: '0' })
  }

  async swap(table: TableName, { expectedVersion, metadataLocation }: SwapInput): Promise<void> {
    const entry = await this.load()
    if (entry?.version !== expectedVersion) throw conflict(table)
    this.#write({ metadataLocation, version: String(Number(expectedVersion) + 1) })
  }

  #write(entry: CatalogEntry): void {
    mkdirSync(dirname(this.#pointer), { recursive: true })
    writeFileSync(`${this.#pointer}.new`, JSON.stringify(entry))
    renameSync(`${this.#pointer}.new`, this.#pointer)
  }
}

function conflict({ name }: TableName): PlatformError {
  return new PlatformError('lake.commitConflict', `${name} has changed`, { retryable: true })
}
