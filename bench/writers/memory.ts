import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryCatalog } from '#lib/adapters/memory/memory-catalog.ts'
import { MemoryObjectStore } from '#lib/adapters/memory/memory-object-store.ts'
import { systemClock, systemIds } from '#lib/adapters/system/system.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import type { Catalog } from '#lib/domain/lake/catalog.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import type { WriterJournal, WriterStores } from './stores.ts'

/** About what S3, Glue and DynamoDB take in one region, ms. */
const LATENCY = { get: 10, put: 20, load: 10, swap: 40, journal: 5 }

/** Stores in memory that take as long as those of one region. */
export async function memoryStores(): Promise<WriterStores> {
  return {
    lake: {
      objects: slowObjects(new MemoryObjectStore({ clock: systemClock })),
      catalog: slowCatalog(new MemoryCatalog()),
      clock: systemClock,
      ids: systemIds,
    },
    name: { database: 'bench', name: 'rides' },
    location: 's3://bench/rides',
    journal: new MemoryWriterJournal(),
  }
}

class MemoryWriterJournal implements WriterJournal {
  readonly #files = new Map<number, (readonly DataFile[])[]>()

  async append(writer: number, _at: number, files: readonly DataFile[]): Promise<void> {
    await sleep(LATENCY.journal)
    const known = this.#files.get(writer)
    if (known) known.push(files)
    else this.#files.set(writer, [files])
  }

  async past(fence: Readonly<Record<string, number>>) {
    await sleep(LATENCY.journal)
    const waiting = [...this.#files].map(([writer, files]) => files.slice(fence[writer] ?? 0))
    const reached = [...this.#files].map(([writer, files]) => [writer, files.length] as const)
    return { files: waiting.flat(2), reached: Object.fromEntries(reached) }
  }
}

function slowObjects(objects: ObjectStore): ObjectStore {
  return {
    get: async (uri) => {
      await sleep(LATENCY.get)
      return await objects.get(uri)
    },
    put: async (uri, body) => {
      await sleep(LATENCY.put)
      await objects.put(uri, body)
    },
    putIfAbsent: async (uri, body) => {
      await sleep(LATENCY.put)
      return await objects.putIfAbsent(uri, body)
    },
    list: (prefix) => objects.list(prefix),
  }
}

function slowCatalog(catalog: Catalog): Catalog {
  return {
    create: (name, input) => catalog.create(name, input),
    load: async (name) => {
      await sleep(LATENCY.load)
      return await catalog.load(name)
    },
    swap: async (name, input) => {
      await sleep(LATENCY.swap)
      await catalog.swap(name, input)
    },
  }
}
