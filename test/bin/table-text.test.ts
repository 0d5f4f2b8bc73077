import { describe, expect, it } from 'vitest'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { snapshotOrTime } from '../../bin/commands/arguments.ts'
import { bytesText } from '../../bin/commands/byte-text.ts'
import { maintenanceLines } from '../../bin/commands/maintenance-status.ts'
import { adviceFor } from '../../bin/commands/table-advice.ts'
import { diffLines } from '../../bin/commands/table-look.ts'

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1.0 KB'],
  [1_234_567, '1.2 MB'],
  [999_960, '1.0 MB'],
  [250_000_000, '250 MB'],
])('%d bytes read as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

describe('a snapshot on the command line', () => {
  it('is an id with all its digits, or a time', () => {
    expect(snapshotOrTime('4611686018427387904')).toBe(4611686018427387904n)
    expect(snapshotOrTime('2026-01-31T18:00:00Z')).toEqual({ atMs: Date.UTC(2026, 0, 31, 18) })
    expect(snapshotOrTime('2026-01-31')).toEqual({ atMs: Date.UTC(2026, 0, 31) })
  })

  it.each(['', '12', '2026', 'now', '-5'])('is not %j', (text) => {
    expect(() => snapshotOrTime(text)).toThrow(/a snapshot’s id, or a time/)
  })
})

describe('what the lake says', () => {
  it('comes with what to do, under its own code', () => {
    const error = new PlatformError('lake.onHold', 'table weir.trips is on hold: a test')

    expect(adviceFor('trips --region us-east-1', error)).toMatchObject({
      code: 'lake.onHold',
      exitCode: 1,
      message:
        'table weir.trips is on hold: a test; once it is as it should be, run `weir table release trips --region us-east-1`',
    })
  })

  it('stays as it is where nothing is known to help', () => {
    const error = new PlatformError('objects.notFound', 'gone')

    expect(adviceFor('trips', error)).toBe(error)
    expect(adviceFor('trips', 'text')).toBe('text')
  })
})

describe('a diff for people', () => {
  const counts = (files: number) => ({ files, rows: 10 * files, bytes: 1000 * files, paths: [] })
  const diff = {
    from: 1n,
    to: 2n,
    added: counts(2),
    removed: counts(0),
    deletes: { added: 0, removed: 0 },
    rowsBefore: 5,
    rowsAfter: 25,
  }

  it('says what is the same in a word, and shortens what is long', () => {
    expect(
      diffLines({
        ...diff,
        schema: [],
        partitioning: ['+ day'],
        properties: [{ key: 'k', after: 'x'.repeat(100) }],
      }),
    ).toEqual([
      '1 to 2: 5 rows to 25 rows',
      '+ 2 files, 20 rows, 2.0 KB',
      '- 0 files, 0 rows, 0 B',
      'columns: the same',
      'partitioning:',
      '  + day',
      'properties:',
      `  k: (none) to ${'x'.repeat(60)}…`,
    ])
  })

  it('tells of deleted rows where there are any', () => {
    const deletes = { added: 2, removed: 1 }

    expect(diffLines({ ...diff, deletes, schema: [] })[3]).toBe(
      'files that delete single rows: 2 came, 1 went',
    )
  })

  it('says what nobody knows any more', () => {
    expect(diffLines({ ...diff, schema: ['- a: int', '+ a: long'] }).slice(3)).toEqual([
      'columns:',
      '  - a: int',
      '  + a: long',
      'partitioning and properties: not known any more, the metadata of then is gone',
    ])
  })
})

describe('the status of maintenance', () => {
  const status = (steps: Parameters<typeof maintenanceLines>[0]) => maintenanceLines(steps)
  const run = { run: 'r', finishedAt: '2026-01-31T04:00:00.000Z' }

  it('names what was worth it, and who refused', () => {
    const steps = [
      {
        table: 't',
        step: 'compact',
        outcome: 'done',
        counts: { filesBefore: 1200, filesAfter: 3 },
      },
      {
        table: 't',
        step: 'rewrite-manifests',
        outcome: 'nothing',
        counts: { manifestsBefore: 1, manifestsAfter: 1 },
      },
      { table: 't', step: 'expire', outcome: 'done', counts: { snapshotsExpired: 4 } },
      {
        table: 't',
        step: 'orphans',
        outcome: 'done',
        counts: { objectsRemoved: 7, bytesRemoved: 7000, orphansFound: 9 },
      },
      { table: 'u', step: 'compact', outcome: 'refused', detail: 'lake.onHold: why', counts: {} },
    ] as const

    expect(status({ ...run, steps })).toEqual([
      'tables tended 2026-01-31T04:00:00.000Z',
      '  t: 1,200 files became 3',
      '  t: 4 snapshots expired',
      '  t: 7 orphans of 7.0 KB removed, 9 found for the next run',
      '  u: compact refused, lake.onHold: why',
    ])
  })

  it('is silent before the first run, and short after an idle one', () => {
    expect(status(null)).toEqual([])
    expect(status({ ...run, steps: [] })).toEqual([
      'tables tended 2026-01-31T04:00:00.000Z: nothing to do',
    ])
  })
})
