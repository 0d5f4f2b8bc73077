import { describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { withPartitioning } from '#lib/domain/lake/evolve-layout.ts'
import { evolveTable } from '#lib/domain/lake/evolve-table.ts'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { decodeFields } from '#lib/domain/lake/parquet/decode-fields.ts'
import { readDataFile } from '#lib/domain/lake/read-data-file.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { mergeChanges } from '#lib/domain/process/latest/merge-changes.ts'
import {
  changeRecord,
  rowsAfter,
  type SourceChange,
  sourceHistory,
} from '#test/support/change-history.ts'
import { customersContract } from '#test/support/customer-changes.ts'
import { FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'

const LATEST = { database: 'weir', name: 'customers_latest' }
let ids = 1_000_000n

function lakeOf(
  cell: MemoryCell,
  process = new FaultyProcess(Number.POSITIVE_INFINITY, 'refused'),
) {
  const lost = () =>
    new PlatformError('lake.commitStateUnknown', 'answer lost', { retryable: true })
  return {
    objects: process.objects(cell.objects),
    catalog: process.catalog(cell.catalog, lost),
    clock: cell.clock,
    ids: { snapshotId: () => ++ids, uuid: () => `merge-${++ids}` },
  }
}

const merge = (cell: MemoryCell, maxChanges?: number, process?: FaultyProcess) =>
  mergeChanges({
    lake: lakeOf(cell, process),
    journal: cell.journal,
    contracts: cell.contracts,
    layout: cell.layout,
    database: 'weir',
    ...(maxChanges === undefined ? {} : { maxChanges }),
  })

async function latest(cell: MemoryCell) {
  const table = await loadTable(lakeOf(cell), LATEST)
  const rows: { id: number; op: string; name: string | null }[] = []
  for (const file of (await table?.liveFiles()) ?? []) {
    const batch = await readDataFile(cell.objects, file, table!.schema)
    const [id, op, name] = ['id', 'op', 'name'].map((one) => batch.columns.get(one)!)
    for (let row = 0; row < batch.rows; row++) {
      if (id?.kind !== 'int64' || op?.kind !== 'utf8' || name?.kind !== 'utf8') throw new Error()
      rows.push({
        id: Number(id.values[row]),
        op: utf8At(op, row),
        name: isNull(name, row) ? null : utf8At(name, row),
      })
    }
  }
  return rows
}

async function existing(cell: MemoryCell): Promise<ReadonlyMap<number, string | null>> {
  const rows = (await latest(cell)).filter(({ op }) => op !== 'd')
  const found = new Map(rows.sort((a, b) => a.id - b.id).map(({ id, name }) => [id, name]))
  expect(found.size).toBe(rows.length)
  return found
}

const inOrder = (rows: ReadonlyMap<number, string>) => new Map([...rows].sort(([a], [b]) => a - b))

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const order = items.map((item) => ({ item, at: random() }))
  return order.sort((a, b) => a.at - b.at).map(({ item }) => item)
}

let contract: Contract | undefined
function newCell(): MemoryCell {
  contract ??= customersContract()
  return new MemoryCell(contract)
}

let sequence = 0
const archive = (cell: MemoryCell, shard: string, changes: readonly SourceChange[]) =>
  cell.archive().take(
    shard,
    changes.map((change) => changeRecord(change, ++sequence)),
  )

describe('the table of the newest changes', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed + 1))(
    'is what a map says, in whatever order changes come, resent and merged (seed %i)',
    async (seed) => {
      const random = seededRandom(seed, 3)
      const history = sourceHistory(random, 120)
      const sent = shuffled([...history, ...history.filter(() => random() < 0.2)], random)
      const cell = newCell()
      for (let at = 0; at < sent.length; ) {
        const size = 1 + Math.floor(random() * 12)
        // Two lanes: changes of a row may come in either of them, and the second time in the other.
        await archive(cell, random() < 0.5 ? 'A' : 'B', sent.slice(at, at + size))
        at += size
        if (random() < 0.4) await cell.commit()
        if (random() < 0.4) await merge(cell, random() < 0.5 ? 5 : undefined)
      }
      await cell.commit()
      await merge(cell)

      expect(await existing(cell)).toEqual(inOrder(rowsAfter(history)))
    },
  )

  it('is as far as the table of changes, and no further', async () => {
    const cell = newCell()
    const [first, second] = [
      { operation: 'c', lsn: 1, id: 1, name: 'one' } as const,
      { operation: 'u', lsn: 2, id: 1, name: 'two' } as const,
    ]
    await archive(cell, 'A', [first])
    expect(await merge(cell)).toEqual({ commits: 0, changes: 0, isComplete: true })
    await cell.commit()
    await archive(cell, 'A', [second])

    expect(await merge(cell)).toEqual({ commits: 1, changes: 1, isComplete: true })
    expect(await existing(cell)).toEqual(new Map([[1, 'one']]))
    await cell.commit()
    await merge(cell)
    expect(await existing(cell)).toEqual(new Map([[1, 'two']]))
  })

  it('does nothing when there is nothing new', async () => {
    const cell = newCell()
    await archive(cell, 'A', sourceHistory(seededRandom(7, 3), 30))
    await cell.commit()
    await merge(cell)
    const before = (await loadTable(lakeOf(cell), LATEST))!.currentSnapshot?.snapshotId

    expect(await merge(cell)).toEqual({ commits: 0, changes: 0, isComplete: true })
    const table = await loadTable(lakeOf(cell), LATEST)
    expect(table!.currentSnapshot?.snapshotId).toBe(before)
  })

  it('leaves the files of buckets alone that no change touches', async () => {
    const cell = newCell()
    const all = Array.from({ length: 40 }, (_, at) => ({
      operation: 'c' as const,
      lsn: 1,
      id: at,
      name: `row ${at}`,
    }))
    await archive(cell, 'A', all)
    await cell.commit()
    await merge(cell)
    const before = await paths(cell)

    await archive(cell, 'A', [{ operation: 'u', lsn: 2, id: 3, name: 'changed' }])
    await cell.commit()
    await merge(cell)
    const after = await paths(cell)

    expect(before.size).toBeGreaterThan(8)
    expect([...before].filter((path) => !after.has(path))).toHaveLength(1)
    expect([...after].filter((path) => !before.has(path))).toHaveLength(1)
    expect((await existing(cell)).get(3)).toBe('changed')
    expect((await existing(cell)).size).toBe(40)
  })

  it('is the same after its layout was changed, though files of the old one hold rows of several new parts', async () => {
    const history = sourceHistory(seededRandom(6, 3), 120)
    const cell = newCell()
    await archive(cell, 'A', history.slice(0, 40))
    await cell.commit()
    await merge(cell)
    await evolveTable(lakeOf(cell), LATEST, (metadata) =>
      withPartitioning(metadata, [{ sourceId: 10, transform: 'bucket[3]', name: 'id_part' }]),
    )
    for (const [from, to] of [
      [40, 80],
      [80, 120],
    ]) {
      await archive(cell, 'A', history.slice(from, to))
      await cell.commit()
      await merge(cell)
    }

    expect(await existing(cell)).toEqual(inOrder(rowsAfter(history)))
  })

  it.each(['dies before', 'dies after', 'answer lost', 'refused'] as const)(
    'is the same where a process that merges meets "%s" at any effect',
    async (fault) => {
      const history = sourceHistory(seededRandom(5, 3), 60)
      for (let effect = 1; ; effect++) {
        const cell = newCell()
        await archive(cell, 'A', history.slice(0, 30))
        await cell.commit()
        await merge(cell)
        await archive(cell, 'A', history.slice(30))
        await cell.commit()
        const process = new FaultyProcess(effect, fault)
        await merge(cell, undefined, process).catch(() => {})
        await merge(cell)

        expect(await existing(cell)).toEqual(inOrder(rowsAfter(history)))
        if (!process.met) break
        expect(effect).toBeLessThan(200)
      }
    },
  )
})

describe('where files of batches are gone, because the table of changes was compacted long ago', () => {
  const CHANGES = { database: 'weir', name: 'customers' }

  async function forgetBatches(cell: MemoryCell): Promise<void> {
    await compact(lakeOf(cell), CHANGES, { minFiles: 2 })
    cell.clock.ms += 3 * 86_400_000
    await expireSnapshots(lakeOf(cell), CHANGES, { atLeast: 1, currentWithinMs: 0 })
    const waiting = async () => new Set<string>()
    const plan = await findOrphans(lakeOf(cell), CHANGES, { waiting })
    cell.clock.ms += 2 * 3_600_000
    const { removed } = await removeOrphans(lakeOf(cell), CHANGES, plan, {
      waiting,
      remover: cell.objects,
    })
    expect(removed).toBeGreaterThan(0)
  }

  it.each([undefined, 20])(
    'the table begins with all that this one has (%s at once)',
    async (most) => {
      const history = sourceHistory(seededRandom(9, 3), 100)
      const cell = newCell()
      for (let at = 0; at < history.length; at += 10) {
        await archive(cell, 'A', history.slice(at, at + 10))
        await cell.commit()
      }
      await forgetBatches(cell)

      await merge(cell, most)

      expect(await existing(cell)).toEqual(inOrder(rowsAfter(history)))
      expect(await merge(cell)).toEqual({ commits: 0, changes: 0, isComplete: true })
    },
  )

  it('a table that nobody merged into meanwhile is mended from there', async () => {
    const history = sourceHistory(seededRandom(10, 3), 100)
    const cell = newCell()
    for (let at = 0; at < history.length; at += 10) {
      await archive(cell, 'A', history.slice(at, at + 10))
      await cell.commit()
      if (at < 30) await merge(cell)
    }
    await forgetBatches(cell)

    await merge(cell)
    await archive(cell, 'A', [{ operation: 'c', lsn: 1_000_000, id: 99, name: 'later' }])
    await cell.commit()
    await merge(cell)

    expect(await existing(cell)).toEqual(new Map([...inOrder(rowsAfter(history)), [99, 'later']]))
  })

  it('ends in time, and goes on with the next call', async () => {
    const history = sourceHistory(seededRandom(11, 3), 60)
    const cell = newCell()
    for (let at = 0; at < history.length; at += 10) {
      await archive(cell, 'A', history.slice(at, at + 10))
      await cell.commit()
    }
    let calls = 0
    const stopped = await mergeChanges({
      lake: lakeOf(cell),
      journal: cell.journal,
      contracts: cell.contracts,
      layout: cell.layout,
      database: 'weir',
      maxChanges: 10,
      shallStop: () => ++calls > 2,
    })

    expect(stopped).toMatchObject({ commits: 2, isComplete: false })
    expect((await merge(cell, 10)).isComplete).toBe(true)
    expect(await existing(cell)).toEqual(inOrder(rowsAfter(history)))
  })
})

describe('a deleted row', () => {
  const created = { operation: 'c', lsn: 10, id: 1, name: 'somebody' } as const
  const updated = { operation: 'u', lsn: 20, id: 1, name: 'somebody else' } as const
  const deleted = { operation: 'd', lsn: 30, id: 1, name: 'somebody else' } as const

  it('is known by its key alone, and an older change that comes later does not bring it back', async () => {
    const cell = newCell()
    await archive(cell, 'A', [created, deleted])
    await cell.commit()
    await merge(cell)
    expect(await latest(cell)).toEqual([{ id: 1, op: 'd', name: null }])

    await archive(cell, 'A', [updated])
    await cell.commit()
    await merge(cell)
    expect(await latest(cell)).toEqual([{ id: 1, op: 'd', name: null }])
  })

  it('is gone from every file once snapshots have expired and orphans are removed', async () => {
    const cell = newCell()
    await archive(cell, 'A', [created, { ...created, id: 2, name: 'neighbour' }])
    await cell.commit()
    await merge(cell)
    await archive(cell, 'A', [deleted])
    await cell.commit()
    await merge(cell)
    expect(await namesInFiles(cell)).toContain('somebody')

    cell.clock.ms += 3 * 86_400_000
    await expireSnapshots(lakeOf(cell), LATEST, { atLeast: 1, currentWithinMs: 0 })
    const waiting = async () => new Set<string>()
    const plan = await findOrphans(lakeOf(cell), LATEST, { waiting })
    cell.clock.ms += 2 * 3_600_000
    await removeOrphans(lakeOf(cell), LATEST, plan, { waiting, remover: cell.objects })

    expect(await namesInFiles(cell)).toEqual(['neighbour'])
    expect(await existing(cell)).toEqual(new Map([[2, 'neighbour']]))
  })

  it('is forgotten once nobody can send an older change again, with the next change of its bucket', async () => {
    const cell = newCell()
    await archive(cell, 'A', [created, deleted])
    await cell.commit()
    await merge(cell)
    cell.clock.ms = Date.UTC(2026, 6, 1)

    await archive(cell, 'A', [{ ...created, lsn: 40, id: 1, name: 'again' }])
    await archive(
      cell,
      'A',
      Array.from({ length: 40 }, (_, at) => ({ ...created, lsn: 41, id: 100 + at })),
    )
    await cell.commit()
    await merge(cell)
    expect((await latest(cell)).filter(({ op }) => op === 'd')).toEqual([])
  })
})

async function paths(cell: MemoryCell): Promise<ReadonlySet<string>> {
  const table = await loadTable(lakeOf(cell), LATEST)
  return new Set((await table!.liveFiles()).map(({ path }) => path))
}

/** What any data file below the table's location says, live or not. */
async function namesInFiles(cell: MemoryCell): Promise<readonly string[]> {
  const table = (await loadTable(lakeOf(cell), LATEST))!
  const fields = table.schema.fields.filter(({ name }) => name === 'name')
  const names = new Set<string>()
  for await (const { uri } of cell.objects.list(`${table.location}/data/`)) {
    const batch = await decodeFields(await cell.objects.get(uri), fields)
    const name = batch.columns.get('name')
    if (name?.kind !== 'utf8') throw new Error('no names')
    for (let row = 0; row < batch.rows; row++) if (!isNull(name, row)) names.add(utf8At(name, row))
  }
  return [...names].sort()
}
