import { lambdaRecords, tripsContract } from './trips.ts'

/**
 * The first 10,000 events of this process, in ten batches, and what has to be made for them. Loading modules is not
 * counted: functions are bundled.
 */
const EVENTS = 10_000
const BATCHES = 10
const SHARD = 'shardId-000000000000'

const contract = tripsContract()
const records = lambdaRecords('batch', EVENTS, 42)
const size = records.length / BATCHES
const parts = Array.from({ length: BATCHES }, (_, i) => records.slice(i * size, (i + 1) * size))

async function prepared(): Promise<() => void> {
  switch (process.argv[2]) {
    case 'ours': {
      const { createDecoder } = await import('#lib/domain/ingest/decoder/create-decoder.ts')
      return () => {
        const decoder = createDecoder(contract)
        for (const part of parts) decoder.decodeRecords(part, { shard: SHARD })
      }
    }
    case 'validated': {
      const { parseValidatePush } = await import('./peers.ts')
      return () => {
        const decode = parseValidatePush(contract)
        for (const part of parts) decode(part, SHARD)
      }
    }
    default: {
      const { parseOnly } = await import('./peers.ts')
      return () => {
        for (const part of parts) parseOnly(part)
      }
    }
  }
}

const run = await prepared()
const started = process.cpuUsage()
run()
const { user, system } = process.cpuUsage(started)
process.stdout.write(String((user + system) / 1000))
