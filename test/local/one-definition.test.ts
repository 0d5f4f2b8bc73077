import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { viewSql } from '#lib/domain/features/sql/view-sql.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import type { AggregateValue } from '#lib/domain/process/aggregates/aggregate.ts'
import { checkViews } from '#lib/domain/process/check-views.ts'
import { sessionsOf } from '#lib/domain/process/session.ts'
import type { Slot } from '#lib/domain/process/slot-store.ts'
import { contractOfView, stateNameOf, type ViewDefinition } from '#lib/domain/process/view.ts'
import { windowsOfPane } from '#lib/domain/process/window.ts'
import { mergedValues } from '#lib/domain/process/window-values.ts'
import { ensureVenv } from '#local/local-cloud.ts'
import { contractWith, field } from '#test/domain/contract/contract-document.ts'
import { MemoryCell } from '#test/support/memory-cell.ts'
import { RandomViews } from '#test/support/random-views.ts'
import { root } from '#test/support/weir.ts'

const SEEDS = [1, 2]
const EVENTS = 700
const VIEWS = 60
const START_MS = Date.UTC(2026, 2, 28, 23, 30)
const KEYS = ['key', 'zone', 'flag']

const required = { required: true }
const plain = contractWith([
  field('zone', 'integer', 12, { physicalType: 'int' }),
  field('total', 'integer', 13, { logicalTypeOptions: { format: 'i64' } }),
  field('price', 'number', 14, { physicalType: 'decimal(10, 2)' }),
  field('share', 'number', 15, { physicalType: 'double' }),
  field('flag', 'boolean', 16),
  field('other_at', 'timestamp', 17, required),
])
const contract: Contract = {
  ...plain,
  fields: plain.fields.map((one) =>
    one.name === 'key' ? { ...one, constraints: { ...one.constraints, maxLength: 40 } } : one,
  ),
}

let python = ''
let folder = ''
beforeAll(async () => {
  const cache = process.env.WEIR_VENV_CACHE || join(root, '.weir')
  python = await ensureVenv(cache, join(root, 'test/local/trino-requirements.txt'))
  folder = mkdtempSync(join(tmpdir(), 'weir-one-definition-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each(SEEDS)(
  'a view means the same on the stream, in a backfill and as SQL, whatever it is (seed %i)',
  async (seed) => {
    const random = seededRandom(seed)
    const made = new RandomViews(contract, random)
    const views = Array.from({ length: VIEWS }, (_, at) => made.view(`view-${at}`, KEYS)).filter(
      isAccepted,
    )
    expect(views.length).toBeGreaterThan(VIEWS / 2)
    const events = Array.from({ length: EVENTS }, (_, at) => eventText(at, random))

    const stream = await fedCell(views, events, 10)
    const backfill = await fedCell(views, events, EVENTS)
    const answers = onDuckDb(
      await parquetFiles(stream),
      views.map((view) => viewSql(view, contract, { table: '"tests"' })),
    )

    for (const [at, view] of views.entries()) {
      const ofStream = windowsOf(stream, view)
      const ofSql = answers[at]!
      expect(windowsOf(backfill, view), JSON.stringify(view)).toEqual(ofStream)
      if (!Array.isArray(ofSql))
        throw new Error(`${JSON.stringify(view)}: ${JSON.stringify(ofSql)}`)
      const what = `${JSON.stringify(view)}\n${viewSql(view, contract, { table: '"tests"' })}`
      expectSame(rowsOfSql(ofSql, ofStream), ofStream, what)
    }
  },
)

/** What the generator makes is not always a view: an expression may mix kinds, a text key have no bound. */
function isAccepted(view: ViewDefinition): boolean {
  try {
    checkViews(contractOfView(view, { current: contract, majors: [contract] } as never), [view])
    return true
  } catch {
    return false
  }
}

function eventText(at: number, random: Random): string {
  const maybe = <T>(value: () => T): T | null => (random() < 0.15 ? null : value())
  const below = (bound: number) => Math.floor(random() * bound)
  const second = below(3) * 86_400 + below(2_000)
  const time = (seconds: number) =>
    new Date(START_MS + seconds * 1000 + below(4) * 250).toISOString()
  return JSON.stringify({
    specversion: '1.0',
    id: `event ${at}`,
    source: '/test',
    type: contract.eventType,
    data: {
      at: time(second),
      key: ['a', 'ä', "b'c", 'd e'][below(4)],
      zone: maybe(() => below(4) - 1),
      total: maybe(() => (random() < 0.02 ? 2 ** 53 - 1 - below(9) : below(1000) - 300)),
      price: maybe(() => (below(100_000) - 20_000) / 100),
      share: maybe(() => below(64) / 16 - 1),
      flag: maybe(() => random() < 0.5),
      other_at: time(second - below(100_000)),
    },
  })
}

/** A cell that these events have gone through, so many at once: each always at the same place of the same shard. */
async function fedCell(
  views: readonly ViewDefinition[],
  events: readonly string[],
  atOnce: number,
): Promise<MemoryCell> {
  const cell = new MemoryCell(contract)
  cell.views = views
  const arrivalMicros = (START_MS + 5 * 86_400_000) * 1000
  const records = events.map((text, i) => ({
    sequence: sequenceNumber(String(10n ** 15n + BigInt(i))),
    arrivalMicros: arrivalMicros + i,
    data: Buffer.from(text),
  }))
  const ofShards = Map.groupBy(records, ({ arrivalMicros: at }) => `shardId-00000000000${at % 2}`)
  for (let start = 0; start < events.length; start += atOnce) {
    for (const [shard, all] of ofShards) {
      const some = all.slice(start, start + atOnce)
      if (some.length > 0) await cell.archive().take(shard, some)
    }
    // So that some updates take one entry of a shard, and some take several.
    if (start % 3 === 0) await cell.update()
  }
  await cell.update()
  return cell
}

async function parquetFiles(cell: MemoryCell): Promise<readonly string[]> {
  const paths: string[] = []
  for await (const { uri } of cell.objects.list('s3://bucket/table/')) {
    const path = join(folder, `${paths.length}-${process.hrtime.bigint()}.parquet`)
    writeFileSync(path, await cell.objects.get(uri))
    paths.push(path)
  }
  return paths
}

type SqlAnswer = readonly (readonly unknown[])[] | { readonly error: string }

function onDuckDb(files: readonly string[], statements: readonly string[]): readonly SqlAnswer[] {
  const { stdout, stderr, status } = spawnSync(
    python,
    [join(root, 'test/support/trino_on_duckdb.py')],
    {
      input: JSON.stringify({ tables: { tests: files }, statements }),
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    },
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** A window: its key, start and end, and each value as text, or a double. */
type WindowRow = readonly (string | number | boolean | null)[]

/** In an order of their own. */
function windowsOf(cell: MemoryCell, view: ViewDefinition): readonly WindowRow[] {
  const wide = contractOfView(view, cell.contracts)
  const byKey = Map.groupBy(
    cell.slots.all().filter((slot) => slot.view === stateNameOf(view)),
    (slot) => slot.key,
  )
  const rows: WindowRow[] = []
  for (const [key, slots] of byKey) {
    for (const { window, held } of windowsOfKey(view, slots)) {
      rows.push([key, ...window, ...mergedValues(view, wide, held).map(comparable)])
    }
  }
  return inOrder(rows)
}

function inOrder(rows: readonly WindowRow[]): readonly WindowRow[] {
  return [...rows].sort((a, b) => (String(a.slice(0, 2)) < String(b.slice(0, 2)) ? -1 : 1))
}

/** Engines add and divide doubles in orders of their own. */
function expectSame(
  actual: readonly WindowRow[],
  wanted: readonly WindowRow[],
  what: string,
): void {
  expect(actual.length, what).toBe(wanted.length)
  for (const [at, row] of actual.entries()) {
    const rounded = row.map((value, i) => {
      const other = wanted[at]![i]
      if (typeof value !== 'number' || typeof other !== 'number') return value
      return Math.abs(value - other) <= 1e-9 * Math.abs(other) + 1e-15 ? other : value
    })
    expect(rounded, what).toEqual(wanted[at])
  }
}

function windowsOfKey(
  { window: definition }: ViewDefinition,
  slots: readonly Slot[],
): readonly { readonly window: readonly string[]; readonly held: readonly Slot[] }[] {
  switch (definition.kind) {
    case 'running':
      return [{ window: [], held: slots }]
    case 'session':
      return sessionsOf(definition, slots).map(({ window, slots: held }) => {
        return { window: [String(window.start), String(window.end)], held }
      })
    default: {
      const pairs = slots.flatMap((slot) =>
        windowsOfPane(definition, slot.paneStart).map(({ start, end }) => ({ slot, start, end })),
      )
      const byStart = Map.groupBy(pairs, ({ start }) => start)
      return [...byStart].map(([start, of]) => {
        return { window: [String(start), String(of[0]!.end)], held: of.map(({ slot }) => slot) }
      })
    }
  }
}

function comparable(value: AggregateValue): WindowRow[number] {
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return value
  const text = JSON.stringify(value)
  if (!text.startsWith('"')) return text
  const iso = JSON.parse(text) as string
  const microsBelow = Number(/\.\d{3}(\d{3})/.exec(iso)?.[1] ?? 0)
  return String(Date.parse(iso) * 1000 + microsBelow)
}

function rowsOfSql(
  rows: readonly (readonly unknown[])[],
  like: readonly WindowRow[],
): readonly WindowRow[] {
  const isNumber = (at: number) => like.some((row) => typeof row[at] === 'number')
  return inOrder(
    rows.map((row) =>
      row.map((value, at) => {
        const double = (value as { double?: string } | null)?.double
        if (double !== undefined) return fromHex(double)
        if (at === 0) return String(value)
        return isNumber(at) && value !== null ? Number(value) : (value as WindowRow[number])
      }),
    ),
  )
}

/** Python's notation of a double, which loses nothing. */
function fromHex(text: string): number {
  const match = /^(-?)0x([01])\.?([0-9a-f]*)p([+-]\d+)$/.exec(text)
  if (match === null) return text === 'inf' ? Infinity : text === '-inf' ? -Infinity : Number.NaN
  const [, sign, whole, fraction, exponent] = match as unknown as [
    string,
    string,
    string,
    string,
    string,
  ]
  const mantissa = Number.parseInt(whole + fraction.padEnd(13, '0'), 16) / 2 ** 52
  return (sign === '-' ? -1 : 1) * mantissa * 2 ** Number(exponent)
}
