import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { FeatureClient, type FeatureClientOptions } from '#lib/adapters/http/feature-client.ts'
import type { FeatureRequest } from '#lib/domain/features/read-many.ts'

let server: Server
let url = ''
/** What each request asked for. */
let asked: FeatureRequest[][] = []
let headers: Record<string, unknown> = {}
let answer: (requests: FeatureRequest[]) => { status: number; body: string }
beforeEach(async () => {
  asked = []
  answer = (requests) => ({
    status: 200,
    body: JSON.stringify({
      results: requests.map(({ view, key }) =>
        key === 'old'
          ? { view, key, error: { code: 'features.stale', message: 'too old' } }
          : { view, key, values: { trips: asked.length } },
      ),
    }),
  })
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    headers = request.headers
    const { requests } = JSON.parse(text)
    asked.push(requests)
    const { status, body } = answer(requests)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/path/`
})
afterEach(() => new Promise((resolve) => server.close(resolve)))

const clock = { ms: 0, nowMs: () => clock.ms }
const signing = {
  config: {
    region: async () => 'us-east-1',
    credentials: async () => ({ accessKeyId: 'id', secretAccessKey: 'secret' }),
  },
}
const client = (options: Partial<FeatureClientOptions> = {}) =>
  new FeatureClient({ url, client: signing, clock, ...options })

it('asks for what is wanted in one turn in one signed request, the same key once', async () => {
  const features = client()
  const answers = await Promise.all([
    features.get('fares', '1'),
    features.get('fares', '2'),
    features.get('fares', '1'),
    features.getMany([
      { view: 'fares', key: '2' },
      { view: 'tips', key: '1' },
    ]),
  ])

  expect(asked).toHaveLength(1)
  expect(asked[0]!.map(({ view, key }) => `${view} ${key}`)).toEqual([
    'fares 1',
    'fares 2',
    'tips 1',
  ])
  expect(answers[0]).toBe(answers[2])
  expect(headers.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=id\/\d+\/us-east-1\/lambda\//)
})

it('divides more keys than a request takes', async () => {
  const requests = Array.from({ length: 5 }, (_, key) => ({ view: 'fares', key: String(key) }))
  const answers = await client({ maxBatch: 2 }).getMany(requests)

  expect(asked.map((one) => one.length).sort()).toEqual([1, 2, 2])
  expect(answers.map(({ key }) => key)).toEqual(['0', '1', '2', '3', '4'])
})

it('gives an answer again for a moment, and no more answers than it may keep', async () => {
  const features = client({ cacheMs: 100, maxCached: 2 })
  const get = (key: string) => features.get('fares', key)
  clock.ms = 0
  await get('1')
  await get('1')
  expect(asked).toHaveLength(1)
  clock.ms = 100
  await get('1')
  expect(asked).toHaveLength(2)

  await get('2')
  await get('1')
  await get('3')
  expect(asked).toHaveLength(4)
  // The second was asked for longest ago.
  await get('1')
  expect(asked).toHaveLength(4)
  await get('2')
  expect(asked).toHaveLength(5)
})

it('what is wrong with one key is said of it alone', async () => {
  const features = client()
  const [old, fresh] = await features.getMany([
    { view: 'fares', key: 'old' },
    { view: 'fares', key: 'new' },
  ])

  expect(old).toMatchObject({ error: { code: 'features.stale' } })
  expect(fresh).toMatchObject({ values: { trips: 1 } })
  await expect(features.get('fares', 'old')).rejects.toMatchObject({ code: 'features.stale' })
})

it('keeps no failure, and says whether a repeat may help', async () => {
  const features = client()
  const working = answer
  answer = () => ({
    status: 503,
    body: '{"error":{"code":"features.bufferMissing","message":"gone"}}',
  })
  await expect(features.get('fares', '1')).rejects.toMatchObject({
    code: 'features.bufferMissing',
    retryable: true,
  })
  answer = () => ({ status: 403, body: '{"Message":"Forbidden"}' })
  await expect(features.get('fares', '1')).rejects.toMatchObject({
    code: 'features.forbidden',
    retryable: false,
  })

  answer = working
  expect(await features.get('fares', '1')).toMatchObject({ key: '1' })
})
