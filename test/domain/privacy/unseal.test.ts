import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseSequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { unseal } from '#lib/domain/privacy/unseal.ts'
import { rideText, SealedCell } from '#test/support/sealed-product.ts'
import { opening, rowsOf } from '#test/support/unsealing.ts'

/** Rewrites the raw object of the only batch. */
async function tamper(cell: SealedCell, change: (text: string) => string): Promise<void> {
  for (const [uri, bytes] of await cell.content()) {
    if (!uri.includes('/raw/')) continue
    const changed = change(zstdDecompressSync(bytes).toString('utf8'))
    await cell.objects.put(uri, zstdCompressSync(changed))
  }
}

describe('unsealing', () => {
  it('gives back what was sent, of several people, batches and rows', async () => {
    const cell = new SealedCell()
    const two = { rider_id: 'two', rider_email: null, rider_home: { street: 'é"\\', floor: 2 } }
    await cell.send(rideText('a'), `[${rideText('b', two)},${rideText('c')}]`)
    await cell.send(rideText('d', { rider_name: 'Grace' }))
    const rows = await rowsOf(cell)

    const asked = ['d', 'b', 'c'].map((id) => rows.get(id)!)
    const opened = await opening(cell, asked)

    const ada = {
      rider_id: 'rider-planted-1',
      rider_name: 'Ada Planted-Name',
      rider_email: 'planted@example.com',
      rider_home: '{"street":"1 Planted Street","floor":3}',
    }
    expect(opened).toEqual({
      subjects: 2,
      rows: [
        { ...ada, rider_name: 'Grace' },
        {
          ...ada,
          rider_id: 'two',
          rider_email: null,
          rider_home: '{"street":"é\\"\\\\","floor":2}',
        },
        ada,
      ],
    })
  })

  it('gives null for an erased person, and everyone else as before', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b', { rider_id: 'other' }))
    const rows = [...(await rowsOf(cell)).values()]
    const before = await opening(cell, rows)
    const lookup = cell.keys.subjects().lookupOf('rider_id', 'rider-planted-1')

    await cell.keys.table.erase({ lookup, erasedAt: '2026-01-01T00:00:00Z' })

    const after = await opening(cell, rows)
    expect(after.subjects).toBe(1)
    expect(after.rows).toEqual(before.rows.map((row) => (row!.rider_id === 'other' ? row : null)))
  })

  it('gives null for a row without a person, for a token of nobody and for raw that has expired', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('nobody', { rider_id: null }), rideText('a'))
    const rows = await rowsOf(cell)
    const a = rows.get('a')!

    const wrong = [rows.get('nobody')!, { ...a, token: 'x'.repeat(22) }, { ...a, index: 7 }]
    expect(await opening(cell, wrong)).toEqual({ rows: [null, null, null], subjects: 0 })

    for (const uri of (await cell.content()).keys()) {
      if (uri.includes('/raw/')) await cell.objects.remove([uri])
    }
    expect((await opening(cell, [a])).rows).toEqual([null])
  })

  it('refuses what was moved to another row, or taken from the batch', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b'), rideText('c', { rider_id: 'other' }))
    const rows = await rowsOf(cell)
    const lines = (text: string) => text.trim().split('\n')

    await tamper(cell, (text) => text.replace('"event_index":0', '"event_index":5'))
    await expect(opening(cell, [rows.get('b')!])).rejects.toThrow(/do not belong there/)

    await tamper(cell, (text) => `${lines(text).slice(1).join('\n')}\n`)
    await expect(opening(cell, [rows.get('b')!])).rejects.toThrow(/do not belong there/)
  })

  it('refuses the ciphertext of somebody else', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b', { rider_id: 'other' }))
    const rows = await rowsOf(cell)

    await tamper(cell, (text) => {
      const [a, b] = [...text.matchAll(/weirsealed\\":\\"([^\\]+)/g)].map(([, sealed]) => sealed!)
      return text.replace(a!, 'swap').replace(b!, a!).replace('swap', b!)
    })

    await expect(opening(cell, [rows.get('a')!])).rejects.toThrow(/do not belong there/)
  })

  it('refuses a key version that does not exist', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'))
    const rows = await rowsOf(cell)

    await tamper(cell, (text) =>
      text.replace(/weirsealed\\":\\"([^\\]+)/, (_, sealed: string) => {
        const bytes = Buffer.from(sealed, 'base64')
        bytes.writeUInt32BE(9, 1)
        return `weirsealed\\":\\"${bytes.toString('base64')}`
      }),
    )

    await expect(opening(cell, [rows.get('a')!])).rejects.toThrow(
      /under version 9 of their person's key, and there is version 1/,
    )
  })

  it('refuses a key that somebody put in another person’s place', async () => {
    const cell = new SealedCell()
    await cell.send(rideText('a'), rideText('b', { rider_id: 'other' }))
    const a = (await rowsOf(cell)).get('a')!
    const lookup = await cell.keys.table.lookupOf(a.token)
    const other = cell.keys.subjects().lookupOf('rider_id', 'other')
    const [record] = await cell.keys.table.subjects([other])
    const { contracts, journal, objects, keys } = cell
    const subjects = async () => [{ ...record!, lookup: lookup!, token: a.token }] as never
    const table = { lookupOf: async () => lookup, subjects }

    await expect(
      unseal({ contracts, journal, objects, table, subjects: keys.subjects() }, [a]),
    ).rejects.toThrow(/is not the one that was put there/)
  })

  it('refuses more rows than one request opens', async () => {
    const row = { shard: 's', sequence: parseSequenceNumber('0011'), index: 0, token: 't' }

    await expect(opening(new SealedCell(), Array(1_001).fill(row))).rejects.toThrow(
      /1001 rows are too many to unseal at once: ask for at most 1000/,
    )
  })
})
