import { describe, expect, it } from 'vitest'
import { compact } from '#lib/domain/lake/maintenance/compact.ts'
import { expireSnapshots } from '#lib/domain/lake/maintenance/expire.ts'
import {
  duePlan,
  keepPlan,
  keptPlans,
  readPlan,
} from '#lib/domain/lake/maintenance/orphan-plans.ts'
import { findOrphans, removeOrphans } from '#lib/domain/lake/maintenance/orphans.ts'
import { LOCATION, NAME } from '../lake-fixture.ts'
import { append, DAY_MS, HOUR_MS, liveFiles, tableOf, tripsLake } from './maintenance-fixture.ts'

const PREFIX = 's3://lake/maintenance/orphans/trips/'
const NOTHING = { waiting: async () => new Set<string>() }

async function withOrphans(commits = 6) {
  const lake = await tripsLake()
  for (let at = 0; at < commits; at++) await append(lake, `f${at}`, 24)
  await compact(lake, NAME)
  lake.clock.ms += DAY_MS
  await expireSnapshots(lake, NAME, { atLeast: 1, currentWithinMs: 0 })
  return lake
}

describe('a plan of orphans that is kept', () => {
  it('is carried out by whoever comes an hour later', async () => {
    const lake = await withOrphans()
    const plan = await findOrphans(lake, NAME, NOTHING)

    const kept = await keepPlan(lake.objects, PREFIX, plan)

    const found = await keptPlans(lake.objects, PREFIX)
    expect(found).toEqual([kept])
    expect(duePlan(found, plan.foundAtMs + HOUR_MS - 1)).toBeUndefined()
    expect(duePlan(found, plan.foundAtMs + HOUR_MS)).toEqual(kept)
    expect(await readPlan(lake.objects, kept)).toEqual(plan)
  })

  it('is the newest that is due, whatever was found since', async () => {
    const lake = await withOrphans()
    const plan = await findOrphans(lake, NAME, NOTHING)
    const at = (ms: number) => ({ ...plan, foundAtMs: plan.foundAtMs + ms })
    for (const ms of [2 * HOUR_MS, 0, HOUR_MS]) await keepPlan(lake.objects, PREFIX, at(ms))

    const kept = await keptPlans(lake.objects, PREFIX)

    expect(kept.map(({ foundAtMs }) => foundAtMs - plan.foundAtMs)).toEqual([
      0,
      HOUR_MS,
      2 * HOUR_MS,
    ])
    expect(duePlan(kept, plan.foundAtMs + 2.5 * HOUR_MS)).toMatchObject({
      foundAtMs: plan.foundAtMs + HOUR_MS,
    })
  })
})

describe('what is no orphan', () => {
  it('is counted by why it is spared', async () => {
    const lake = await withOrphans()
    // A day passes for everything but what comes now.
    await lake.objects.put(`${LOCATION}/data/young.parquet`, Uint8Array.of(1))
    await lake.objects.put(`${LOCATION}/README.txt`, Uint8Array.of(1))

    const { spared, orphans } = await findOrphans(lake, NAME, NOTHING)

    expect(orphans).toHaveLength(18)
    // Nine metadata files; of the compaction its list, seven manifests (six that lost a file) and its file.
    expect(spared).toEqual({ named: 18, waiting: 0, young: 1, foreign: 1 })
  })
})

describe('work that is told to stop', () => {
  it('leaves the rest of a compaction for the next one', async () => {
    const lake = await tripsLake()
    // Three days, six files each: three groups.
    for (let at = 0; at < 6; at++) await append(lake, `f${at}`, 72)
    let asked = 0
    const seen: number[][] = []

    const report = await compact(lake, NAME, {
      shallStop: () => asked++ > 0,
      onProgress: (...progress) => seen.push(progress),
    })

    expect(report).toMatchObject({ commits: 1, filesBefore: 6, filesAfter: 1, isComplete: false })
    expect(seen).toEqual([
      [0, 18],
      [6, 18],
    ])
    expect(await liveFiles(lake)).toHaveLength(13)
    expect(await compact(lake, NAME)).toMatchObject({ filesBefore: 12, isComplete: true })
    expect(await liveFiles(lake)).toHaveLength(3)
  })

  it('removes orphans by thousands, and goes on with the same plan', async () => {
    const lake = await tripsLake()
    await append(lake, 'f', 1)
    for (let at = 0; at < 1500; at++) {
      await lake.objects.put(`${LOCATION}/data/left-${at}.parquet`, Uint8Array.of(1))
    }
    lake.clock.ms += 2 * DAY_MS
    const plan = await findOrphans(lake, NAME, NOTHING)
    lake.clock.ms += HOUR_MS
    const options = { ...NOTHING, remover: lake.objects }

    const first = await removeOrphans(lake, NAME, plan, { ...options, shallStop: () => true })
    const second = await removeOrphans(lake, NAME, plan, options)

    expect(first).toMatchObject({ removed: 1000, isComplete: false })
    expect(second).toMatchObject({ removed: 500, wanted: 0, isComplete: true })
    expect((await tableOf(lake)).currentSnapshot).toBeDefined()
  })
})
