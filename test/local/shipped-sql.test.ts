import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { contractPage } from '#lib/domain/contract/page/contract-page.ts'
import { savedQueriesOf } from '#lib/domain/contract/sql/saved-queries.ts'
import { sqlViewsOf } from '#lib/domain/contract/sql/sql-views.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import { seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { countSql } from '#lib/domain/ops/store-counts.ts'
import { ensureVenv } from '#local/local-cloud.ts'
import { randomDocument } from '#test/domain/contract/random-document.ts'
import { codeBlocks } from '#test/support/markdown-blocks.ts'
import { productOfFile } from '#test/support/product-of-file.ts'
import { root } from '#test/support/weir.ts'

let python = ''
beforeAll(async () => {
  python = await ensureVenv(
    process.env.WEIR_VENV_CACHE || join(root, '.weir'),
    join(root, 'test/local/trino-requirements.txt'),
  )
})

/** What a parser of Trino's dialect says of each statement; null if it takes it. */
function problems(statements: readonly string[]): readonly (string | null)[] {
  const { stdout, stderr, status } = spawnSync(
    python,
    [join(root, 'test/support/trino_parser.py')],
    { input: JSON.stringify(statements), encoding: 'utf8', maxBuffer: 1 << 26 },
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

function refused(statements: readonly string[]): readonly string[] {
  return problems(statements).flatMap((problem, i) =>
    problem === null ? [] : [`${problem}: ${statements[i]}`],
  )
}

const FILES = [
  'products/trips/contract.yaml',
  'test/fixtures/orders/contract.yaml',
  'test/fixtures/customers/contract.yaml',
]

describe('the SQL that Weir ships is Trino’s', () => {
  it.each(FILES)('views and saved queries of %s', (file) => {
    const contracts = versionsOf(productOfFile(file).sources.map((one) => one.contract))
    const statements = [
      ...sqlViewsOf(contracts).map((view) => view.sql),
      ...savedQueriesOf(contracts).map((query) => query.sql),
    ]

    expect(statements.length).toBeGreaterThan(9)
    expect(refused(statements)).toEqual([])
  })

  it('views and saved queries of any contract', () => {
    const statements: string[] = []
    for (let seed = 1; seed <= 150; seed++) {
      const contracts = versionsOf([randomDocument(seededRandom(seed, 8)).contract])
      statements.push(...sqlViewsOf(contracts).map((view) => view.sql))
      statements.push(...savedQueriesOf(contracts).map((query) => query.sql))
    }

    expect(refused(statements)).toEqual([])
  })

  it('what pages, documents and reconcile ask', () => {
    const texts = [
      ...FILES.map((file) => contractPage(productOfFile(file)).text),
      ...['docs/change-events.md', 'products/trips/README.md'].map((file) =>
        readFileSync(join(root, file), 'utf8'),
      ),
    ]
    const blocks = texts.flatMap((text) => codeBlocks(text).filter((one) => one.language === 'sql'))
    const bounds = [{ shard: "a'b", cut: sequenceNumber('7'), horizon: undefined }]
    const counted = { shard: 'ingest_shard', sequence: 'ingest_sequence', index: 'ingest_index' }
    const statements = [
      ...blocks.map((block) => block.text),
      countSql({ table: 'trips', snapshotId: 7n, ...counted }, bounds),
      countSql({ table: 'trips_quarantine', without: ['s3://b/k'], ...counted }, bounds),
    ]

    expect(blocks.length).toBeGreaterThan(4)
    expect(refused(statements)).toEqual([])
  })

  it('and what is not is noticed', () => {
    const planted = [
      'select * from trips for version as of 7 t',
      'select * from trips for version of 7',
      'select * from (select 1',
      "select strftime(now(), '%Y') from trips",
      'select 1; select 2',
    ]

    expect(problems(planted).map((problem) => problem === null)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ])
  })
})
