import { type Column, utf8At } from '#lib/domain/kernel/columns.ts'
import { FENCES_PROPERTY } from '#lib/domain/lake/fences.ts'
import { decodeManifest, decodeManifestList } from '#lib/domain/lake/manifest.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import {
  currentSnapshotOf,
  parseTableMetadata,
  specJson,
  type TableMetadata,
} from '#lib/domain/lake/table-metadata.ts'
import type { SentRecord } from '../cell/events.ts'
import { ALLOWED_LATENESS_SECONDS, OUT_OF_ORDER_SECONDS } from '../cell/product.ts'
import type { TableChange } from '../cloud/glue.ts'
import type { KinesisModel } from '../cloud/kinesis.ts'
import type { S3Model } from '../cloud/s3.ts'
import type { ArchiveChecks } from './archive-checks.ts'
import { must, mustEqual } from './violation.ts'
import type { Finality, WindowChecks } from './window-checks.ts'
import {
  add,
  amountText,
  type KeyWindow,
  NOTHING,
  type Sum,
  type WindowOracle,
} from './window-oracle.ts'

const CLOSED_PROPERTY = 'weir.closed'
const SECOND = 1_000_000
/** What a table says of which no window is closed: the least time there is. */
const NOTHING_CLOSED = Date.parse('0001-01-01T00:00:00Z') * 1000

/** A row of the feature table. */
interface FinalRow extends KeyWindow, Sum {
  readonly revision: number
}

/**
 * Holds the feature table against the journal at each swap: one row per key and window that is closed, none that is
 * not; each row has at least what the entries up to the table's fences add to it and nothing that no slot ever had;
 * fences and closed windows only go forward, and nothing is closed while the stream has something before it.
 */
export class FeatureChecks implements Finality {
  closed = NOTHING_CLOSED
  readonly #s3: S3Model
  readonly #stream: KinesisModel<SentRecord>
  readonly #archive: ArchiveChecks
  readonly #oracle: WindowOracle
  readonly #windows: () => WindowChecks
  readonly #fail: (error: unknown) => void
  readonly #fences = new Map<string, string>()
  /** Rows of each file; files never change. */
  readonly #files = new Map<string, Promise<readonly FinalRow[]>>()
  #rows: readonly FinalRow[] = []
  #closedBeforeRest = NOTHING_CLOSED
  /** How far windows were closed, and since when. */
  readonly #closings: { readonly closed: number; readonly sinceMs: number }[] = []

  constructor(options: {
    readonly s3: S3Model
    readonly stream: KinesisModel<SentRecord>
    readonly archive: ArchiveChecks
    readonly oracle: WindowOracle
    readonly windows: () => WindowChecks
    /** Told what a check finds that takes a promise, before the next turn. */
    readonly fail: (error: unknown) => void
  }) {
    this.#s3 = options.s3
    this.#stream = options.stream
    this.#archive = options.archive
    this.#oracle = options.oracle
    this.#windows = options.windows
    this.#fail = options.fail
  }

  /** Whether the table has taken in what a shard has up to this position. */
  isTaken(shard: string, sequence: string): boolean {
    const fence = this.#fences.get(shard) ?? 'start'
    return fence !== 'start' && fence >= sequence
  }

  finalSinceMs(closes: number): number {
    return (
      this.#closings.find(({ closed }) => closed >= closes)?.sinceMs ?? Number.POSITIVE_INFINITY
    )
  }

  onTable(change: TableChange): void {
    const { table, after } = change
    const metadata = parseTableMetadata(this.#object(table, after))
    if (metadata.properties[FENCES_PROPERTY] === undefined) return
    this.#advanceFences(table, metadata)
    this.#advanceClosed(change, metadata)
    const summary = currentSnapshotOf(metadata)?.summary ?? {}
    mustEqual(
      [summary[CLOSED_PROPERTY], JSON.parse(summary[FENCES_PROPERTY] ?? 'null')],
      [
        metadata.properties[CLOSED_PROPERTY],
        JSON.parse(metadata.properties[FENCES_PROPERTY]).shards,
      ],
      () => `${table}: what the snapshot says of its rows`,
    )
    // As they are now: by the time the files are read they may have moved.
    const [closed, fences] = [this.closed, new Map(this.#fences)]
    const files = this.#liveFiles(table, metadata)
    Promise.all(files.map((path) => this.#rowsOf(table, path)))
      .then((rows) => {
        const before = this.#rows
        this.#rows = rows.flat()
        this.#checkRows(table, this.#rows, closed, fences)
        this.#checkRevisions(table, before, this.#rows)
      })
      .catch(this.#fail)
  }

  /** Nothing happens any more but that windows become final. */
  comesToRest(): void {
    this.#closedBeforeRest = this.closed
  }

  /** Once all is drained: what is final is exactly what is in time, and as much is final as can be. */
  mustBeComplete(): void {
    if (this.#oracle.kind === 'running') return
    const rest = this.#watermarkAtRest() - ALLOWED_LATENESS_SECONDS * SECOND
    // All shards are idle now: then the slowest of them decides, and nothing jumps ahead of it.
    must(
      this.closed <= Math.max(rest, this.#closedBeforeRest),
      () =>
        `closed jumped from ${this.#closedBeforeRest} to ${this.closed}, all are idle at ${rest}`,
    )
    const all = this.#oracle.totals()
    const left = all.find((one) => {
      const closes = this.#oracle.closes(one)
      return closes > this.closed && closes <= rest
    })
    must(
      left === undefined,
      () => `${left!.key} ${left!.start} is not final: closed is ${this.closed}, could be ${rest}`,
    )
    const expected = all.filter((one) => this.#oracle.closes(one) <= this.closed)
    const text = ({ key, start, end, events, cents }: KeyWindow & Sum) =>
      `${key} ${start} ${end} ${events} ${cents}`
    mustEqual(this.#rows.map(text).sort(), expected.map(text).sort(), () => 'final rows, after all')
  }

  #advanceFences(table: string, metadata: TableMetadata): void {
    const { shards } = JSON.parse(metadata.properties[FENCES_PROPERTY]!) as {
      shards: Record<string, string>
    }
    for (const [shard, fence] of this.#fences) {
      const next = shards[shard]
      must(
        next !== undefined && (fence === 'start' || (next !== 'start' && next >= fence)),
        () => `${table}: the fence of ${shard} went from ${fence} to ${next}`,
      )
    }
    for (const [shard, fence] of Object.entries(shards)) {
      const cursor = this.#windows().cursor(shard)
      must(
        fence === 'start' || (cursor !== undefined && fence <= cursor),
        () => `${table}: the fence of ${shard} stands at ${fence}, the cursor at ${cursor}`,
      )
      must(
        fence === 'start' ||
          this.#archive.entriesOf(shard).some(({ entry }) => entry.last === fence),
        () => `${table}: no entry of ${shard} ends at ${fence}`,
      )
      this.#fences.set(shard, fence)
    }
  }

  #advanceClosed(change: TableChange, metadata: TableMetadata): void {
    const { table, plannedMs } = change
    const closed = Number(metadata.properties[CLOSED_PROPERTY])
    must(closed >= this.closed, () => `${table}: closed went back from ${this.closed} to ${closed}`)
    for (const shard of this.#stream.shards) {
      if (closed === this.closed) break
      const cursor = this.#windows().cursor(shard.id)
      const waiting = shard.records.find(
        ({ sequence, acceptedMs }) =>
          acceptedMs < plannedMs && (cursor === undefined || sequence > cursor),
      )
      if (waiting === undefined) continue
      // All the while somebody planned this, the shard had something to come.
      const bound =
        this.#timeOf(shard.id) - (OUT_OF_ORDER_SECONDS + ALLOWED_LATENESS_SECONDS) * SECOND
      must(
        closed <= bound,
        () =>
          `${table}: closed up to ${closed}, but ${shard.id} is at ${bound} and ${waiting.sequence} was waiting`,
      )
    }
    if (closed > this.closed && this.#isKnownIdle(change)) {
      // Then the slowest shard decides. Whoever met a fault may take an idle shard for one with something to come.
      const rest = this.#watermarkAtRest() - ALLOWED_LATENESS_SECONDS * SECOND
      must(closed <= rest, () => `${table}: closed jumped to ${closed}, all are idle at ${rest}`)
    }
    if (closed > this.closed) this.#closings.push({ closed, sinceMs: plannedMs })
    this.closed = closed
  }

  /** Whether no shard had anything to come all the while somebody planned this, and nothing kept that from them. */
  #isKnownIdle({ plannedMs, hasMetFault }: TableChange): boolean {
    if (hasMetFault || this.#windows().cursorMovedMs >= plannedMs) return false
    return this.#stream.shards.every(({ id, records, closedMs = Number.NEGATIVE_INFINITY }) => {
      const last = records.at(-1)
      const cursor = this.#windows().cursor(id)
      return (
        closedMs < plannedMs &&
        (last === undefined || (cursor !== undefined && last.sequence <= cursor))
      )
    })
  }

  #checkRows(
    table: string,
    rows: readonly FinalRow[],
    closed: number,
    fences: ReadonlyMap<string, string>,
  ): void {
    const found = new Map<string, FinalRow>()
    for (const row of rows) {
      const id = `${row.start}/${row.key}`
      must(!found.has(id), () => `${table} has two rows of ${id}`)
      must(this.#oracle.closes(row) <= closed, () => `${table}: ${id} has a row and is not closed`)
      found.set(id, row)
    }
    // Which sessions there are depends on what the slots held: what came of it is checked in the end.
    if (this.#oracle.kind === 'session') return
    for (const { start, end, key } of rows) {
      const known = this.#oracle
        .windowsOf(this.#oracle.paneOf(start))
        .find((window) => window.start === start)
      must(known?.end === end, () => `${table}: ${start}/${key} ends at ${end}`)
    }
    const fenceOf = (shard: string) => {
      const fence = fences.get(shard)
      return fence === undefined || fence === 'start' ? '' : fence
    }
    const least = new Map<string, Sum>()
    for (const [shard, slots] of this.#oracle.contributions) {
      for (const [id, contributions] of slots) {
        const taken = contributions.filter(({ sequence }) => sequence <= fenceOf(shard))
        const at = id.indexOf('/')
        for (const { start, end } of this.#oracle.windowsOf(Number(id.slice(0, at)))) {
          if (end > closed || taken.length === 0) continue
          const window = `${start}/${id.slice(at + 1)}`
          least.set(window, taken.reduce<Sum>(add, least.get(window) ?? NOTHING))
        }
      }
    }
    for (const [id, sum] of least) {
      const row = found.get(id)
      must(row !== undefined, () => `${table} has no row of ${id}`)
      if (row.events === sum.events && row.cents === sum.cents) continue
      const possible = this.#windows().possibleSums(row.key, row, fenceOf)
      if (possible === undefined) continue
      must(
        possible.some(({ events, cents }) => events === row.events && cents === row.cents),
        () =>
          `${table}: ${id} has ${row.events} events and ${amountText(row.cents)}, at the fences it has ${sum.events} and ${amountText(sum.cents)}`,
      )
    }
  }

  /** A row counts how often it was replaced: not before it is, and once each time. */
  #checkRevisions(table: string, before: readonly FinalRow[], rows: readonly FinalRow[]): void {
    const known = new Map(before.map((row) => [`${row.start}/${row.key}`, row]))
    for (const row of rows) {
      const id = `${row.start}/${row.key}`
      const old = known.get(id)
      const isSame =
        old !== undefined &&
        old.end === row.end &&
        old.events === row.events &&
        old.cents === row.cents
      if (isSame) {
        mustEqual(
          row.revision,
          old.revision,
          () => `${table}: revision of ${id}, which is as it was`,
        )
      } else if (old !== undefined && this.#oracle.kind !== 'session') {
        mustEqual(row.revision, old.revision + 1, () => `${table}: revision of ${id}`)
      } else if (old === undefined && this.#oracle.kind !== 'session') {
        must(row.revision === 0, () => `${table}: ${id} is new and has revision ${row.revision}`)
      }
    }
  }

  /** What a shard has shown up to its cursor; before its first entry what its parents have. */
  #timeOf(shard: string): number {
    const cursor = this.#windows().cursor(shard)
    if (cursor !== undefined) {
      const entry = this.#archive.entriesOf(shard).find((one) => one.entry.last === cursor)!.entry
      return entry.maxEventTimeAfter ?? Number.NEGATIVE_INFINITY
    }
    const { parents } = this.#stream.shard(shard)
    const times = parents.map((parent) => this.#timeOf(parent))
    return times.length === 0 ? Number.NEGATIVE_INFINITY : Math.min(...times)
  }

  /** When nothing is on its way any more, all open shards count that have shown something. */
  #watermarkAtRest(): number {
    const times = this.#stream.shards
      .filter(({ isClosed }) => !isClosed)
      .map(({ id }) => this.#timeOf(id))
      .filter((time) => Number.isFinite(time))
    return times.length === 0
      ? Number.NEGATIVE_INFINITY
      : Math.min(...times) - OUT_OF_ORDER_SECONDS * SECOND
  }

  #liveFiles(table: string, metadata: TableMetadata): readonly string[] {
    const snapshot = currentSnapshotOf(metadata)
    if (snapshot === undefined) return []
    const list = this.#object(table, snapshot['manifest-list'])
    return decodeManifestList(list).flatMap((manifest) => {
      const spec = specJson(metadata, manifest.partitionSpecId)
      const bytes = this.#object(table, manifest.manifestPath)
      return decodeManifest(bytes, manifest, spec).map(({ file }) => file.path)
    })
  }

  #rowsOf(table: string, path: string): Promise<readonly FinalRow[]> {
    const known = this.#files.get(path) ?? finalRows(this.#object(table, path))
    this.#files.set(path, known)
    return known
  }

  #object(table: string, uri: string): Uint8Array {
    const bytes = this.#s3.object(uri)
    must(bytes !== undefined, () => `${table} names ${uri}, which is not there`)
    return bytes
  }
}

async function finalRows(bytes: Uint8Array): Promise<readonly FinalRow[]> {
  const names = ['key', 'window_start', 'window_end', 'events', 'amount', 'revision']
  const { rows, columns } = await decodeParquet(bytes, names)
  const keys = columns.get('key') as Extract<Column, { kind: 'utf8' }>
  const number = (name: string, row: number) => {
    return Number((columns.get(name) as Extract<Column, { kind: 'int64' | 'int32' }>).values[row])
  }
  return Array.from({ length: rows }, (_, row) => ({
    key: utf8At(keys, row),
    start: number('window_start', row),
    end: number('window_end', row),
    events: number('events', row),
    cents: number('amount', row),
    revision: number('revision', row),
  }))
}
