import { beforeAll, describe, expect, it } from 'vitest'
import type { Contract } from '#lib/domain/contract/contract.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import type { ProducerEvent } from '#lib/domain/ingest/producer-event.ts'
import { type ReplayOptions, replayQuarantine } from '#lib/domain/ingest/replay-quarantine.ts'
import type { AdmittedEvent } from '#lib/domain/ingest/replay-sending.ts'
import type { StreamRecord } from '#lib/domain/ingest/wire.ts'
import { utf8At } from '#lib/domain/kernel/columns.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { loadTable } from '#lib/domain/lake/table.ts'
import { type Fault, FaultyProcess } from '#test/support/faults.ts'
import { MemoryCell, tripsContract } from '#test/support/memory-cell.ts'
import { tripText } from '#test/support/trip-events.ts'

const SHARD = 'shardId-000000000000'
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

let strict: Contract
let mended: Contract
beforeAll(async () => {
  strict = await tripsContract()
  const fields = strict.fields.map((field) =>
    field.name === 'fare_amount' ? { ...field, constraints: { minimum: '-100' } } : field,
  )
  mended = { ...strict, version: '1.0.1', fields }
})

const NO_FAULT = () => new FaultyProcess(Number.POSITIVE_INFINITY, 'refused')

/** A product's stream and stores, and a clock that a test moves. */
class World {
  readonly cell = new MemoryCell(strict)
  readonly stream: StreamRecord[] = []

  constructor() {
    this.cell.clock.ms = Date.UTC(2026, 0, 10, 12)
  }

  wait(ms: number): void {
    this.cell.clock.ms += ms
  }

  put(...texts: readonly string[]): void {
    const digits = String(49_000_000_000_000_000n + BigInt(this.stream.length))
    const data = Buffer.from(texts.length === 1 ? texts[0]! : `[${texts.join(',')}]`)
    const arrivalMicros = this.cell.clock.ms * 1000
    this.stream.push({ sequence: sequenceNumber(digits), arrivalMicros, data })
  }

  /** Everything in the stream is archived and committed. */
  readonly settle = async (): Promise<void> => {
    await this.cell.archive().take(SHARD, this.stream)
    await this.cell.commit()
  }

  mend(): void {
    this.cell.contracts = versionsOf([strict, mended])
  }

  replay(options: ReplayOptions = {}, process = NO_FAULT()) {
    const { cell } = this
    const put = process.sender(async (events: readonly ProducerEvent[]) =>
      this.put(...events.map((event) => event.text)),
    )
    return replayQuarantine(
      {
        contracts: cell.contracts,
        journal: cell.journal,
        objects: process.objects(cell.objects),
        layout: cell.layout,
        clock: cell.clock,
        admitted: (ids, since) => this.#admitted(ids, since),
        settled: this.settle,
        async send(events) {
          // In two calls, so that a process can die between them.
          const half = Math.ceil(events.length / 2)
          await put(events.slice(0, half))
          if (events.length > half) await put(events.slice(half))
        },
      },
      options,
    )
  }

  async #admitted(ids: readonly string[], sinceMicros: number): Promise<readonly AdmittedEvent[]> {
    const rows = await this.rows()
    return rows.filter((row) => ids.includes(row.id) && row.arrivalMicros >= sinceMicros)
  }

  /** The curated table. */
  async rows(): Promise<readonly AdmittedEvent[]> {
    const { objects, catalog, clock } = this.cell
    const ids = { snapshotId: () => 0n, uuid: () => '' }
    const table = await loadTable(
      { objects, catalog, clock, ids },
      { database: 'weir', name: 'trips' },
    )
    const found: AdmittedEvent[] = []
    for (const file of (await table?.liveFiles()) ?? []) {
      const names = ['event_id', 'event_source', 'ingest_time']
      const { rows, columns } = await decodeParquet(await objects.get(file.path), names)
      const text = (name: string, row: number) => {
        const column = columns.get(name)!
        return column.kind === 'utf8' ? utf8At(column, row) : ''
      }
      const times = columns.get('ingest_time')!
      for (let row = 0; row < rows; row++) {
        const arrivalMicros = times.kind === 'int64' ? Number(times.values[row]) : 0
        found.push({ id: text('event_id', row), source: text('event_source', row), arrivalMicros })
      }
    }
    return found
  }

  async tripIds(): Promise<readonly string[]> {
    return (await this.rows()).map((row) => row.id).sort()
  }

  async counts() {
    return (await this.cell.outcome()).counts
  }
}

const bad = (id: string, fare = '-5.00') => tripText({ id, fare })
const good = (id: string) => tripText({ id })

/** Two batches: five trips that the mended contract takes, one that it does not, one stub, two good ones. */
async function withRejects({ isMended = true } = {}): Promise<World> {
  const world = new World()
  world.put(good('g1'), bad('b1'), bad('b2'), bad('worse', '-500'))
  world.put('not json at all')
  await world.settle()
  world.wait(MINUTE)
  world.put(bad('b3'), bad('b4'), bad('b5'), good('g2'))
  await world.settle()
  world.wait(10 * MINUTE)
  if (isMended) world.mend()
  return world
}

const LEFT = { 'fare_amount.belowMinimum': 1, 'undecodable.notJson': 1 }
const ALL = ['b1', 'b2', 'b3', 'b4', 'b5', 'g1', 'g2']

describe('a replay after the contract was mended', () => {
  it('brings every event that the contract now takes into the table, once, and says what is left', async () => {
    const world = await withRejects()

    const report = await world.replay()
    await world.settle()

    expect(report).toEqual({
      considered: 7,
      sent: 5,
      alreadyAdmitted: 0,
      replayedBefore: 0,
      notYet: 0,
      left: LEFT,
    })
    expect(await world.tripIds()).toEqual(ALL)
    const { received, admitted, duplicate, rejected } = await world.counts()
    expect(received).toBe(admitted! + duplicate! + rejected!)
    expect({ admitted, duplicate, rejected }).toEqual({ admitted: 7, duplicate: 0, rejected: 7 })
  })

  it.each([
    ['at once', 0],
    ['within the horizon', 20 * 60 * MINUTE],
    ['long after the horizon', 30 * DAY],
  ])('changes nothing when it is repeated %s', async (_, later) => {
    const world = await withRejects()
    await world.replay()
    await world.settle()
    const before = await world.cell.outcome()
    world.wait(later)

    const again = await world.replay()
    await world.settle()

    expect(again).toMatchObject({ considered: 7, sent: 0, replayedBefore: 5, left: LEFT })
    expect(await world.cell.outcome()).toEqual(before)
  })

  it('does nothing that a dry run has not said, and a dry run does nothing', async () => {
    const world = await withRejects()
    const before = await world.cell.outcome()

    const planned = await world.replay({ dryRun: true })
    await world.settle()
    expect(await world.cell.outcome()).toEqual(before)

    expect(await world.replay()).toEqual(planned)
  })

  it('stops at the limit and goes on from there', async () => {
    const world = await withRejects()

    const first = await world.replay({ limit: 2 })
    const second = await world.replay({ limit: 2 })
    const third = await world.replay({ limit: 2 })
    await world.settle()

    expect([first, second, third].map(({ sent, notYet }) => [sent, notYet])).toEqual([
      [2, 3],
      [2, 1],
      [1, 0],
    ])
    expect(await world.tripIds()).toEqual(ALL)
  })

  it('looks only at the reason and the time asked for', async () => {
    const world = await withRejects()
    const noon = Date.UTC(2026, 0, 10, 12) * 1000

    const byReason = await world.replay({ reason: 'undecodable.notJson' })
    const byTime = await world.replay({ sinceMicros: noon + 30 * 1_000_000 })
    const nothing = await world.replay({ untilMicros: noon })

    expect(byReason).toMatchObject({ considered: 1, left: { 'undecodable.notJson': 1 } })
    expect(byTime).toMatchObject({ considered: 3, sent: 3, left: {} })
    expect(nothing).toMatchObject({ considered: 0 })
  })
})

describe('an event that the table has by another way', () => {
  it('is not sent, also long after the horizon: its producer had sent it again, mended', async () => {
    const world = await withRejects()
    world.put(good('b1'))
    await world.settle()
    world.wait(30 * DAY)

    const report = await world.replay()
    await world.settle()

    expect(report).toMatchObject({ sent: 4, alreadyAdmitted: 1 })
    expect(await world.tripIds()).toEqual(ALL)
  })

  it('is sent once if it was rejected twice, in one batch or a month apart', async () => {
    const world = await withRejects({ isMended: false })
    world.put(bad('b1'), bad('b1'))
    await world.settle()
    world.wait(30 * DAY)
    world.put(bad('b1'))
    await world.settle()
    world.mend()

    const first = await world.replay({ limit: 3 })
    await world.settle()
    world.wait(30 * DAY)
    const second = await world.replay()
    await world.settle()

    expect(first.sent + second.sent).toBe(5)
    expect(first.alreadyAdmitted + second.alreadyAdmitted).toBe(3)
    expect(await world.tripIds()).toEqual(ALL)
  })

  it('is another event if the table took it a horizon before this one arrived', async () => {
    const world = new World()
    world.put(good('again'))
    await world.settle()
    world.wait(2 * DAY)
    world.put(bad('again'))
    await world.settle()
    world.mend()

    expect(await world.replay()).toMatchObject({ sent: 1, alreadyAdmitted: 0 })
    await world.settle()
    expect(await world.tripIds()).toEqual(['again', 'again'])
  })
})

describe('a replay that dies', () => {
  /** Claims of two batches, two calls to the stream, two notes that they are done. */
  const EFFECTS = 6
  const faults: readonly Fault[] = ['dies before', 'dies after', 'answer lost', 'refused']
  const delays = { 'at once': 0, 'half a day later': DAY / 2, 'a month later': 30 * DAY }

  it('has so many effects', async () => {
    const world = await withRejects()
    const process = NO_FAULT()
    await world.replay({}, process)

    expect(process.log).toHaveLength(EFFECTS)
  })

  describe.each(Object.entries(delays))('and is repeated %s', (_, delay) => {
    for (const fault of faults) {
      for (let at = 1; at <= EFFECTS; at++) {
        it(`${fault} effect ${at}: the table has every event once`, async () => {
          const world = await withRejects()
          await world.replay({}, new FaultyProcess(at, fault)).catch(() => {})
          world.wait(delay)

          const report = await world.replay()
          await world.settle()
          world.wait(30 * DAY)
          const again = await world.replay()
          await world.settle()

          expect(report.left).toEqual(LEFT)
          expect(report.sent + report.replayedBefore + report.alreadyAdmitted).toBe(5)
          expect(again).toMatchObject({ sent: 0, replayedBefore: 5, left: LEFT })
          expect(await world.tripIds()).toEqual(ALL)
        })
      }
    }
  })

  it('is finished without what a table had already when it began', async () => {
    const world = await withRejects()
    world.put(good('b1'))
    await world.settle()
    world.wait(30 * DAY)
    await world.replay({}, new FaultyProcess(3, 'dies before')).catch(() => {})

    await world.replay()
    await world.settle()

    expect(await world.tripIds()).toEqual(ALL)
  })

  it('is finished whole by a replay that looks for something else', async () => {
    const world = await withRejects()
    await world.replay({}, new FaultyProcess(3, 'dies before')).catch(() => {})

    const other = await world.replay({ reason: 'undecodable.notJson' })
    const report = await world.replay()
    await world.settle()

    expect(other).toMatchObject({ considered: 1, left: { 'undecodable.notJson': 1 } })
    expect(report).toMatchObject({ considered: 7, sent: 0, replayedBefore: 5 })
    expect(await world.tripIds()).toEqual(ALL)
  })

  it('dies again while it is finished, and again, and still every event is there once', async () => {
    for (const delay of Object.values(delays)) {
      const world = await withRejects()
      for (const at of [4, 1, 2, 1, 1, 2, 3]) {
        await world.replay({}, new FaultyProcess(at, 'dies after')).catch(() => {})
        world.wait(delay)
      }

      await world.replay()
      await world.settle()

      expect(await world.tripIds()).toEqual(ALL)
    }
  })

  it('leaves an event to the next one if the contract has changed its mind meanwhile', async () => {
    const world = await withRejects()
    await world.replay({}, new FaultyProcess(3, 'dies before')).catch(() => {})
    world.cell.contracts = versionsOf([strict, mended, { ...strict, version: '1.0.2' }])

    await expect(world.replay()).rejects.toMatchObject({ code: 'replay.underWay', retryable: true })
    world.wait(DAY)
    const report = await world.replay()

    expect(report).toMatchObject({ sent: 0, replayedBefore: 0 })
    expect(report.left).toEqual({ 'fare_amount.belowMinimum': 6, 'undecodable.notJson': 1 })
    world.cell.contracts = versionsOf([strict, mended])
    await world.replay()
    await world.settle()
    expect(await world.tripIds()).toEqual(ALL)
  })
})

describe('two replays at once', () => {
  it('send what they both saw, and the table has it once', async () => {
    const world = await withRejects()

    await Promise.all([world.replay(), world.replay({ limit: 3 }), world.replay()])
    await world.settle()
    world.wait(30 * DAY)
    const again = await world.replay()

    expect(again).toMatchObject({ sent: 0, replayedBefore: 5 })
    expect(await world.tripIds()).toEqual(ALL)
  })
})
