import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb'
import { makeHandler } from '#functions/features/get-features/handler.ts'
import { DynamoDbFeatureBuffers } from '#lib/adapters/dynamodb/dynamodb-feature-buffers.ts'
import { DynamoDbGenerationStore } from '#lib/adapters/dynamodb/dynamodb-generation-store.ts'
import { DynamoDbPublicationStore } from '#lib/adapters/dynamodb/dynamodb-publication-store.ts'
import { DynamoDbSlotStore } from '#lib/adapters/dynamodb/dynamodb-slot-store.ts'
import { systemClock } from '#lib/adapters/system/system.ts'
import { versionsOf } from '#lib/domain/contract/contract-versions.ts'
import { batchViewOf } from '#lib/domain/features/batch/batch-states.ts'
import { checksumOf } from '#lib/domain/features/publish/buffer-items.ts'
import { claimBuffer, makeLive } from '#lib/domain/features/publish/publish.ts'
import { writePart } from '#lib/domain/features/publish/write-part.ts'
import { aggregateOf } from '#lib/domain/process/aggregates/aggregate-of.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { LOCAL_CREDENTIALS, startLocalCloud, stopLocalCloud } from '#local/local-cloud.ts'
import { freePort } from '#test/support/project-copy.ts'
import { createTable } from '#test/support/tables.ts'
import { tripsVersion } from '#test/support/trips-versions.ts'
import type { Comparison } from './comparison.ts'

const GROUPS = 10
const ROUNDS = 600
const WARM_UP = 100
const KEY = '236'
const CUT = Date.UTC(2026, 0, 1) * 1000
/** The aims: beside one read of the same bytes, and beside ten of a tenth each. */
const MOST_TIMES_ONE = 1.5
const LEAST_TIMES_TEN = 4

/**
 * Ten feature groups of one key, answered by the code of `get-features`, beside one raw `GetItem` of the same bytes and
 * beside ten of a tenth each, in turns on one local cloud. `--rounds N`. The groups are answered from what was published;
 * the last line has ten that go on with the stream, each of which asks for its slots besides.
 */
export async function* run(args: readonly string[]): AsyncIterable<Comparison> {
  const { values } = parseArgs({ args: [...args], options: { rounds: { type: 'string' } } })
  const rounds = Number(values.rounds ?? ROUNDS)
  const stateDir = await mkdtemp(join(tmpdir(), 'weir-bench-features-'))
  const place = { stateDir, port: await freePort() }
  const venvCache = join(import.meta.dirname, '../.weir')
  process.env.WEIR_VENV_CACHE ??= venvCache
  await startLocalCloud({ ...place, auth: false })
  try {
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${place.port}`,
      AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
    })
    yield* measured(rounds)
  } finally {
    await stopLocalCloud(place)
    await rm(stateDir, { recursive: true, force: true })
  }
}

async function* measured(rounds: number): AsyncIterable<Comparison> {
  const bench = await Bench.prepare()
  const names = ['groups', 'one', 'ten', 'streaming'] as const
  const times: Record<(typeof names)[number], number[]> = {
    groups: [],
    one: [],
    ten: [],
    streaming: [],
  }
  const equal = await bench.isEqual()
  for (let round = -WARM_UP; round < rounds; round++) {
    // In another order each time: whoever comes first finds the machine as the others left it.
    for (let at = 0; at < names.length; at++) {
      const name = names[(at + Math.abs(round)) % names.length]!
      const started = performance.now()
      await bench[name]()
      if (round >= 0) times[name].push(performance.now() - started)
    }
  }
  const of = (name: (typeof names)[number], share: number) => quantile(times[name], share)
  const facts = {
    equal,
    unit: 'ms',
    rounds,
    bytes: bench.bytes,
    machineLoad: Number(loadavg()[0]!.toFixed(1)),
  }
  for (const [share, label] of [
    [0.5, 'p50'],
    [0.99, 'p99'],
  ] as const) {
    yield comparison(
      `features/ten groups, ${label}`,
      'one raw GetItem of the same bytes',
      of('groups', share),
      of('one', share),
      {
        ...facts,
        aim: `at most ${MOST_TIMES_ONE} times`,
      },
    )
  }
  yield comparison(
    'features/ten groups',
    'ten GetItems, one after another',
    of('groups', 0.5),
    of('ten', 0.5),
    {
      ...facts,
      aim: `at least ${LEAST_TIMES_TEN} times as fast`,
    },
  )
  yield comparison(
    'features/ten groups with the stream',
    'one raw GetItem of the same bytes',
    of('streaming', 0.5),
    of('one', 0.5),
    {
      ...facts,
      aim: 'none: each asks for its slots besides',
    },
  )
}

function comparison(
  name: string,
  peer: string,
  ours: number,
  theirs: number,
  facts: { readonly equal: boolean; readonly unit: string; readonly [fact: string]: unknown },
): Comparison {
  return { name, peer, ours, theirs, ratio: Number((theirs / ours).toFixed(2)), ...facts }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!.toFixed(3))
}

const source = tripsVersion('1.0.0')
const contracts = versionsOf([source.contract])

/** A group of eight features of a zone. */
function group(name: string, serving: 'batch' | 'both'): ViewDefinition {
  const functions = ['sum', 'mean', 'min', 'max'] as const
  return {
    name,
    description: 'Of a zone, by day.',
    key: 'pickup_location_id',
    window: { kind: 'tumbling', sizeSeconds: 86_400 },
    aggregates: (['fare_amount', 'tip_amount'] as const).flatMap((field) =>
      functions.map((one) => ({ name: `${field}_${one}`, function: one, field })),
    ),
    freshnessSeconds: 86_400,
    serving,
  }
}

/** A cell's stores with ten groups published of each kind, and the same bytes as raw items. */
class Bench {
  readonly #raw: Awaited<ReturnType<typeof createTable>>
  readonly #answer: (event: unknown) => Promise<unknown>
  readonly #values: readonly string[]
  readonly bytes: number

  private constructor(
    raw: Awaited<ReturnType<typeof createTable>>,
    answer: (event: unknown) => Promise<unknown>,
    values: readonly string[],
  ) {
    this.#raw = raw
    this.#answer = answer
    this.#values = values
    this.bytes = Buffer.byteLength(values.join(''))
  }

  static async prepare(): Promise<Bench> {
    const [slots, features, raw] = [await createTable(), await createTable(), await createTable()]
    const views = (['batch', 'both'] as const).flatMap((serving) =>
      Array.from({ length: GROUPS }, (_, at) => group(`${serving}-${at}`, serving)),
    )
    const buffers = new DynamoDbFeatureBuffers({
      ...features,
      views: views.map(({ name }) => name),
    })
    const store = new DynamoDbPublicationStore(features)
    const values: string[] = []
    for (const [at, definition] of views.entries()) {
      const view = batchViewOf(definition, contracts)
      const claimed = { view: view.name, run: 'bench', by: 'bench', nowMs: Date.now() }
      const building = await claimBuffer({ store, buffers }, claimed)
      const of = { view, building, cut: CUT, computedAtMs: Date.now() }
      const count = await writePart(buffers, of, [
        { key: KEY, panes: [paneOf(definition, at % GROUPS)] },
      ])
      const counted = { keys: count.keys, checksum: checksumOf([count.digest]) }
      const { buffer, version } = building
      await buffers.putSeal({ view: view.name, buffer, version, state: 'whole', ...counted })
      const built = {
        view: view.name,
        definition: view.definition,
        cut: CUT,
        snapshotId: null,
        ...counted,
      }
      await makeLive({ store, buffers }, [built], claimed)
      const [item] = await buffers.read([{ buffer, view: view.name, key: KEY }], {
        consistent: true,
      })
      if (definition.serving === 'batch') values.push(item!.values)
    }
    await put(raw, 'all', values.join('\n'))
    for (const [at, text] of values.entries()) await put(raw, String(at), text)
    const answer = makeHandler({
      contracts,
      views,
      generations: new DynamoDbGenerationStore(slots),
      slotsOf: () => new DynamoDbSlotStore(slots),
      publications: store,
      buffers,
      clock: systemClock,
    })
    return new Bench(raw, answer, values)
  }

  groups = () => this.#answer({ requests: this.#requests('batch') })
  streaming = () => this.#answer({ requests: this.#requests('both') })
  one = () => this.#get('all')

  async ten(): Promise<readonly string[]> {
    const found: string[] = []
    for (let at = 0; at < GROUPS; at++) found.push(await this.#get(String(at)))
    return found
  }

  /** Whether all of them give the same values. */
  async isEqual(): Promise<boolean> {
    const answers = [await this.groups(), await this.streaming()].map((answer) =>
      (answer as { results: { values: unknown }[] }).results.map((one) =>
        JSON.stringify(one.values),
      ),
    )
    const raw = [(await this.one()).split('\n'), await this.ten()]
    const wanted = JSON.stringify(this.#values)
    return [...answers, ...raw].every((one) => JSON.stringify(one) === wanted)
  }

  #requests(serving: string) {
    return Array.from({ length: GROUPS }, (_, at) => ({ view: `${serving}-${at}`, key: KEY }))
  }

  async #get(sort: string): Promise<string> {
    const { client, tableName } = this.#raw
    const key = { pk: { S: KEY }, sk: { S: sort } }
    const { Item: item } = await client.send(new GetItemCommand({ TableName: tableName, Key: key }))
    return item!.values!.S!
  }
}

async function put(
  { client, tableName }: Awaited<ReturnType<typeof createTable>>,
  sort: string,
  values: string,
): Promise<void> {
  const item = { pk: { S: KEY }, sk: { S: sort }, values: { S: values } }
  await client.send(new PutItemCommand({ TableName: tableName, Item: item }))
}

/** The state of a day of one row, made by the aggregates themselves. */
function paneOf({ aggregates }: ViewDefinition, seed: number) {
  const { current } = contracts
  const cents = BigInt64Array.from([BigInt(1_050 + seed)])
  const columns = new Map(
    ['fare_amount', 'tip_amount'].map((name) => [name, { kind: 'int64', values: cents } as const]),
  )
  const states = aggregates.map((definition) => {
    const algebra = aggregateOf(definition, current)
    const [state] = algebra.addBatch({ rows: 1, columns }, new Int32Array(1), 1)
    return [definition.name, algebra.toStored(state)] as const
  })
  const paneStart = CUT - 86_400_000_000
  return {
    paneStart,
    eventTime: { min: paneStart, max: paneStart },
    states: Object.fromEntries(states),
  }
}
