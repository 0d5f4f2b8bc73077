import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runModel } from '#test/domain/lake/model/run-model.ts'
import { IcebergFiles } from '#test/support/iceberg-files.ts'

let engines: IcebergFiles

beforeAll(async () => {
  engines = await IcebergFiles.start()
})

afterAll(() => engines?.stop())

describe('a table to which everything happens, also by PyIceberg', () => {
  it('holds the same rows for PyIceberg and DuckDB, who find them by few of its files', async () => {
    const report = await runModel({ seed: 1, operations: 220, engines })

    expect(report.enginesPlannedShare).toBeLessThan(0.8)
    expect(Object.values(report.operations).length).toBeGreaterThan(15)
  })
})
