import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { EventProducer } from '#lib/producer.ts'
import { CHANGES } from '#test/support/customer-changes.ts'
import { type CallAnswer, kinesisEndpoint } from '#test/support/kinesis-endpoint.ts'
import { root, run } from '#test/support/weir.ts'
import { sendChanges } from '../../../docs/examples/send-changes.ts'
import { sendTrips } from '../../../docs/examples/send-trips.ts'

type Endpoint = Awaited<ReturnType<typeof kinesisEndpoint>>

const before = { ...process.env }
const endpoints: Endpoint[] = []
afterEach(async () => {
  process.env = { ...before }
  for (const endpoint of endpoints.splice(0)) await endpoint.stop()
})

async function endpoint(answerOf?: (call: number) => CallAnswer): Promise<Endpoint> {
  const started = await kinesisEndpoint(answerOf)
  endpoints.push(started)
  Object.assign(process.env, started.environment)
  return started
}

const STREAM = { streamName: 'trips', region: 'us-east-1' }

interface Reading {
  sensor: string
  value: number
}

function readings(options: Partial<ConstructorParameters<typeof EventProducer<Reading>>[0]> = {}) {
  return new EventProducer<Reading>({
    ...STREAM,
    type: 'sensor.read',
    source: '/sensors',
    partitionKey: 'sensor',
    lingerMs: 5,
    ...options,
  })
}

describe('the producer that programs import', () => {
  it('sends CloudEvents over HTTP and resolves when they are acknowledged', async () => {
    const kinesis = await endpoint()
    const producer = readings({ dataschema: 'urn:weir:sensors:1' })

    await producer.send({
      id: 'r1',
      data: { sensor: 's', value: 0.5 },
      time: new Date(0),
      traceparent: '00-aa-bb-01',
    })
    await producer.send({ id: 'r2', source: '/other', data: { sensor: 's', value: 2 } })
    await producer.close()

    expect(kinesis.events.map((text) => JSON.parse(text))).toEqual([
      {
        specversion: '1.0',
        id: 'r1',
        source: '/sensors',
        type: 'sensor.read',
        time: '1970-01-01T00:00:00.000Z',
        dataschema: 'urn:weir:sensors:1',
        traceparent: '00-aa-bb-01',
        datacontenttype: 'application/json',
        data: { sensor: 's', value: 0.5 },
      },
      {
        specversion: '1.0',
        id: 'r2',
        source: '/other',
        type: 'sensor.read',
        dataschema: 'urn:weir:sensors:1',
        datacontenttype: 'application/json',
        data: { sensor: 's', value: 2 },
      },
    ])
    expect(producer.counts).toEqual({ sent: 2, accepted: 2, retried: 0, failed: 0 })
  })

  it('sends text as it is, every digit of it', async () => {
    const kinesis = await endpoint()
    const producer = readings()
    const dataText = '{"sensor": "s", "value": 9007199254740993.10}'

    await producer.sendText({ id: 'r1', dataText, partitionKey: 's', time: new Date(0) })
    await producer.close()

    expect(kinesis.events).toEqual([
      `{"specversion":"1.0","id":"r1","source":"/sensors","type":"sensor.read","time":"1970-01-01T00:00:00.000Z","datacontenttype":"application/json","data":${dataText}}`,
    ])
  })

  it('sends again what was throttled and what nobody answered', async () => {
    const kinesis = await endpoint((call) =>
      call === 1 ? { throttled: [0] } : { isLost: call === 2 },
    )
    const producer = readings()

    await producer.send({ id: 'r1', data: { sensor: 's', value: 1 } })
    await producer.close()

    expect(producer.counts).toMatchObject({ accepted: 1, retried: 2 })
    expect(kinesis.calls).toBe(3)
  })

  it('closes itself at the end of its scope', async () => {
    const kinesis = await endpoint()
    {
      await using producer = readings()
      await producer.send({ id: 'r1', data: { sensor: 's', value: 1 } })
    }

    expect(kinesis.events).toHaveLength(1)
  })
})

describe('a process that ends without closing its producer', () => {
  const events = 400
  const program = (ending: string) =>
    run(process.execPath, [join(root, 'test/support/producer-process.ts'), ending, String(events)])

  it.each(['exit', 'throw'])(
    'by %s loses only what was not acknowledged, and says how much',
    async (ending) => {
      const kinesis = await endpoint((call) => ({ afterMs: call > 1 ? 60_000 : 0 }))

      const { stdout, stderr } = await program(ending)

      const [safe] = stdout.split('\n').map(Number)
      const arrived = new Set(kinesis.events.map((text) => (JSON.parse(text) as { id: string }).id))
      for (let i = 1; i <= safe!; i++) expect(arrived).toContain(`e${i}`)
      expect(stderr).toContain(
        `weir producer: the process ended with ${events - safe!} events not acknowledged by stream`,
      )
    },
  )

  it('by SIGKILL, which lets nobody speak, loses no event that was flushed', async () => {
    const kinesis = await endpoint((call) => ({ afterMs: call > 1 ? 60_000 : 0 }))

    const { stdout, exitCode } = await program('kill')

    expect(exitCode).toBe(null)
    const arrived = new Set(kinesis.events.map((text) => (JSON.parse(text) as { id: string }).id))
    for (let i = 1; i <= Number(stdout); i++) expect(arrived).toContain(`e${i}`)
    expect(Number(stdout)).toBe(events / 2)
  })

  it('by coming to its end loses nothing: what waits still goes', async () => {
    const kinesis = await endpoint()

    const { stderr } = await program('end')

    expect(stderr).toBe('')
    expect(kinesis.events).toHaveLength(events)
  })
})

describe('a process whose stream takes a tenth of what it is given', () => {
  it('stays within a fixed heap', async () => {
    // 42 MB of events, in a heap of 40 MB beside the program itself.
    const kinesis = await endpoint(() => ({ afterMs: 30 }))
    const script = join(root, 'test/support/producer-process.ts')

    const { stdout, stderr, exitCode } = await run(process.execPath, [
      '--max-old-space-size=40',
      script,
      'close',
      '14000',
      '115',
    ])

    expect(stderr).toBe('')
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/^14000 \d+\n$/)
    expect(kinesis.events).toHaveLength(14_000)
  })
})

describe('the example of the page on changes', () => {
  it('is the file that is compiled here, and names each change of the table', async () => {
    const page = await readFile(join(root, 'docs/change-events.md'), 'utf8')
    const example = await readFile(join(root, 'docs/examples/send-changes.ts'), 'utf8')
    const kinesis = await endpoint()

    await sendChanges(STREAM, Readable.from(CHANGES.map((value) => ({ value }))))

    const told = CHANGES.filter((message) => message !== null)
    expect(kinesis.events.map((text) => JSON.parse(text).data)).toEqual(
      expect.arrayContaining(told.map((text) => JSON.parse(text))),
    )
    expect(new Set(kinesis.events.map((text) => JSON.parse(text).id)).size).toBe(told.length)
    expect(page).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})

describe('the example in the README', () => {
  it('is the file that is compiled here, and does what it says', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const example = await readFile(join(root, 'docs/examples/send-trips.ts'), 'utf8')
    const kinesis = await endpoint()

    const notTaken = await sendTrips(
      STREAM,
      (async function* () {
        for (let i = 0; i < 10; i++) {
          yield { id: `t${i}`, trip: { pickup_location_id: i % 3, fare_amount: 10 } }
        }
      })(),
    )

    expect(notTaken).toEqual([])
    expect(kinesis.events).toHaveLength(10)
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``)
  })
})
