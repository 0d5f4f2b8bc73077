import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { tableSchemaOf } from '#lib/domain/contract/table-columns.ts'
import { curatedFromRaw } from '#lib/domain/ingest/curated-from-raw.ts'
import { decodeQuarantine } from '#lib/domain/ingest/quarantine-file.ts'
import type { RawLine } from '#lib/domain/ingest/raw-line-writer.ts'
import { decodeVerdicts } from '#lib/domain/ingest/verdicts-object.ts'
import { isNull, utf8At } from '#lib/domain/kernel/columns.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import type { ObjectStore } from '#lib/domain/kernel/object-store.ts'
import { decodeParquet } from '#lib/domain/lake/parquet/decode.ts'
import { openRejected } from '#lib/domain/privacy/open-rejected.ts'
import { CURATED_TEXTS, leaks } from '#test/support/leaks.ts'
import { RIDES, rideText, SealedCell, SHARD } from '#test/support/sealed-product.ts'

const unused = () => {
  throw new Error('nothing is written')
}

async function curated(cell: SealedCell) {
  const rows: (string | undefined)[][] = []
  for (const [uri, bytes] of await cell.content()) {
    if (!uri.includes('/table/')) continue
    const { columns, rows: count } = await decodeParquet(bytes, CURATED_TEXTS)
    for (let row = 0; row < count; row++) {
      rows.push(
        ['event_id', 'rider_id', 'rider_name', 'rider_email'].map((name) => {
          const column = columns.get(name)!
          if (column.kind !== 'utf8') throw new Error(`${name} is ${column.kind}`)
          return isNull(column, row) ? undefined : utf8At(column, row)
        }),
      )
    }
  }
  return rows.sort(([a], [b]) => (a! < b! ? -1 : 1))
}

async function rawLines(cell: SealedCell): Promise<RawLine[]> {
  const lines: RawLine[] = []
  for (const [uri, bytes] of await cell.content()) {
    if (!uri.includes('/raw/')) continue
    const text = zstdDecompressSync(bytes).toString('utf8')
    for (const line of text.split('\n')) if (line !== '') lines.push(JSON.parse(line))
  }
  return lines
}

describe('an archive of a product with personal fields', () => {
  it('stores none of them in the clear, wherever a producer put them', async () => {
    const cell = new SealedCell()
    const odd = rideText('odd').replace('"rider_email"', '"rider\\u005femail"')
    const twice = rideText('twice').replace('"data":', '"data":"planted","data":')
    const beside = rideText('beside').replace(
      '"id"',
      '"subject":"planted","x":{"a":["planted"]},"id"',
    )

    await cell.send(
      rideText('one'),
      `[${rideText('two', { mail: 'planted@example.com' })},${rideText('three')}]`,
      odd,
      twice,
      beside,
      rideText('nobody', { rider_id: null }),
      rideText('rejected', { fare: -1 }),
      rideText('shifted', { fare: 'planted@example.com' }),
      `{"planted`,
      rideText('untyped', { rider_id: 7, zone: 'planted' }),
    )

    expect(await leaks(cell)).toEqual([])
    const { counts } = (await cell.journal.entriesAfter(SHARD, 'start', 10))[0]!
    expect(counts).toEqual({ received: 11, admitted: 7, duplicate: 0, rejected: 4 })
  })

  it('stores a token in place of the subject and nothing in place of the rest', async () => {
    const cell = new SealedCell()

    await cell.send(rideText('a'), rideText('b', { rider_id: 'rider-planted-2' }), rideText('c'))

    const [a, b, c] = await curated(cell)
    expect(a).toEqual(['a', expect.stringMatching(/^[\w-]{22}$/), undefined, undefined])
    expect(c![1]).toBe(a![1])
    expect(b![1]).not.toBe(a![1])
    const { fields } = tableSchemaOf(RIDES)
    expect(fields.find(({ name }) => name === 'rider_home')).toMatchObject({ required: false })
  })

  it('keeps the exact text of what is not personal, and adds one ciphertext per person', async () => {
    const cell = new SealedCell()
    const spaced = rideText('a')
      .replace('"fare":12.5', ' "fare" : 12.50 ')
      .replace('"zone":7', '"zone":7e0')

    await cell.send(spaced, rideText('b'), rideText('c', { rider_id: 'other' }))

    const [a, b, c] = (await rawLines(cell)).map(({ event }) => event as string)
    expect(a).toMatch(
      /^\{"specversion":"1.0","id":"a","source":"\/rides","type":"test.happened","data":\{"at":"2026-01-01T12:00:00Z","key":"north", ?"fare" : 12.50 ?,"rider_id":"[\w-]{22}","zone":7e0\}\}$/,
    )
    expect([a, b, c].map((event) => event!.includes('"weirsealed":"'))).toEqual([false, true, true])
    expect((await rawLines(cell))[0]).toMatchObject({ format: 2, kind: 'event', drift: {} })
  })

  it('gives a stored batch the verdicts, columns and drift that it had when it was readable', async () => {
    const cell = new SealedCell()
    const records = cell.records(
      rideText('one', { extra: 1 }),
      rideText('rejected', { fare: -1, other: 2 }),
      rideText('two', { rider_email: null, rider_home: null }),
      rideText('one'),
      'no json',
    )
    let dies = true
    const objects: ObjectStore = {
      get: (uri) => cell.objects.get(uri),
      list: (prefix) => cell.objects.list(prefix),
      putIfAbsent: (...args) => cell.objects.putIfAbsent(...args),
      put: async (uri, ...args) => {
        if (dies && uri.includes('/table/')) throw new Error('died')
        await cell.objects.put(uri, ...args)
      },
    }
    await expect(cell.archive({ objects }).take(SHARD, records)).rejects.toThrow('died')
    dies = false
    const [adopted] = await cell.archive({ objects }).take(SHARD, records)

    const whole = new SealedCell()
    const [decided] = await whole.archive().take(SHARD, records)

    const without = ({
      quarantineUri: _,
      verdictsUri: __,
      ...entry
    }: NonNullable<typeof adopted>) => entry
    expect(without(adopted!)).toEqual(without(decided!))
    expect(adopted!.drift).toEqual({ unknownFields: { extra: 1, other: 1 } })
    expect(await curated(cell)).toEqual(await curated(whole))
    const quarantined = async (of: SealedCell, uri: string) =>
      (await decodeQuarantine(await of.objects.get(uri))).map(({ text: _, ...row }) => row)
    expect(await quarantined(cell, adopted!.quarantineUri!)).toEqual(
      await quarantined(whole, decided!.quarantineUri!),
    )
  })

  it('makes the same curated bytes from raw as it wrote when it had the events', async () => {
    const cell = new SealedCell()
    const [entry] = await cell.send(
      rideText('one'),
      rideText('two', { rider_id: 'other' }),
      rideText('three', { rider_id: null }),
      rideText('rejected', { fare: -1 }),
    )
    const { files } = decodeVerdicts(
      entry!.verdictsUri!,
      await cell.objects.get(entry!.verdictsUri!),
    )
    const { path } = files[0]!
    const written = await cell.objects.get(path)
    const gone: ObjectStore = {
      put: unused,
      putIfAbsent: unused,
      list: unused,
      get: (uri) =>
        uri === path
          ? Promise.reject(new PlatformError('objects.notFound', 'gone'))
          : cell.objects.get(uri),
    }

    const { journal, contracts, layout, identify } = cell
    const rebuilt = curatedFromRaw({
      objects: gone,
      journal,
      contracts,
      layout,
      identify: async () => identify,
    })

    expect(Buffer.from(await rebuilt.get(path)).equals(Buffer.from(written))).toBe(true)
  })

  it('never seals again what raw has', async () => {
    const cell = new SealedCell()
    const records = cell.records(rideText('one'), rideText('two'))
    const late = cell.archive()
    await cell.archive().take(SHARD, records)
    const before = await cell.content()

    await late.take(SHARD, records)

    for (const [uri, bytes] of await cell.content()) expect(before.get(uri)).toEqual(bytes)
  })

  it('seals rejected events under the key of unknown content, whole', async () => {
    const cell = new SealedCell()

    const [entry] = await cell.send(rideText('rejected', { fare: -1 }))

    const [line] = await rawLines(cell)
    expect(line).toMatchObject({ kind: 'stub', event: null, sha256: null })
    expect(line!.reason).toBe('fare.belowMinimum')
    expect(line!.rejected!.sealed).toMatch(/^weir-sealed:A/)
    const [row] = await decodeQuarantine(await cell.objects.get(entry!.quarantineUri!))
    expect(row).toMatchObject({ reason: 'fare.belowMinimum', eventId: 'rejected' })
    expect(row!.text).toBe(line!.rejected!.sealed)
    const open = (index: number) =>
      openRejected(cell.keys.unknownWrapper, 'cell', row!.text!, { ...row!, shard: SHARD, index })
    expect(await open(0)).toBe(rideText('rejected', { fare: -1 }))
    await expect(open(1)).rejects.toThrow(/was not sealed for that place/)
  })

  it.each(['table', 'wrapper'] as const)(
    'stores nothing, and loses nothing, while its %s does not answer',
    async (store) => {
      const cell = new SealedCell()
      const down = () =>
        Promise.reject(new PlatformError('keys.unavailable', 'no answer', { retryable: true }))
      const dead = {
        table: {
          ...cell.keys.table,
          subjects: down,
          branch: down,
          createBranch: down,
          createSubject: down,
          lookupOf: down,
          erase: down,
        },
        wrapper: { generate: down, unwrap: down },
      }
      const records = cell.records(rideText('one'), rideText('two'), rideText('bad', { fare: -1 }))
      const sealing = cell.keys.process({ [store]: dead[store] })

      await expect(cell.archive({ sealing }).take(SHARD, records)).rejects.toThrow('no answer')
      expect([...(await cell.content()).keys()]).toEqual([])

      await cell.archive().take(SHARD, records)
      const [entry] = await cell.journal.entriesAfter(SHARD, 'start', 10)
      expect(entry!.counts).toEqual({ received: 3, admitted: 2, duplicate: 0, rejected: 1 })
    },
  )

  it('refuses to work without keys', async () => {
    const cell = new SealedCell()
    const archive = cell.archive({ sealing: undefined as never })

    await expect(archive.take(SHARD, cell.records(rideText('one')))).rejects.toThrow(
      /has personal fields and this archive no keys/,
    )
    expect((await cell.content()).size).toBe(0)
  })

  it('counts the events of an erased person, who is nobody in them', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('before'))
    const lookup = cell.keys.subjects().lookupOf('rider_id', 'rider-planted-1')
    await cell.keys.table.erase({ lookup, erasedAt: '2026-01-01T00:00:00Z' })

    await cell.send(rideText('after'), rideText('other', { rider_id: 'other' }))

    const [after, before, other] = await curated(cell)
    expect(after).toEqual(['after', undefined, undefined, undefined])
    expect(before![1]).toBeDefined()
    expect(other![1]).toBeDefined()
    const line = (await rawLines(cell)).find(({ event }) => event?.includes('"after"'))
    expect(line!.event).not.toMatch(/rider|weirsealed/)
    expect(await leaks(cell)).toEqual([])
  })
})
