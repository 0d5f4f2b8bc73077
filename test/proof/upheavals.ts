import { setTimeout as sleep } from 'node:timers/promises'
import {
  DescribeStreamSummaryCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
} from '@aws-sdk/client-kinesis'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { LocalCell } from '#test/support/local-cell.ts'

const LONGEST_PAUSE_MS = 2_500
const POLL_MS = 100

/** Ends processes of functions at random moments, without a warning. */
export class Killer {
  killed = 0
  readonly #cell: LocalCell
  readonly #random: Random
  readonly #stop = new AbortController()
  readonly #running: Promise<void>

  constructor(cell: LocalCell, random: Random) {
    this.#cell = cell
    this.#random = random
    this.#running = this.#run()
    // Raised by stop().
    this.#running.catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(this.#random() * LONGEST_PAUSE_MS)
      const processes = this.#cell.functionProcesses()
      const chosen = processes[Math.floor(this.#random() * processes.length)]
      if (chosen !== undefined && killIfThere(chosen)) this.killed++
    }
  }
}

function killIfThere(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch (error) {
    // It has ended since it was listed.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** The shards of a stream, split and merged while it is written to. */
export class Resharding {
  readonly #client = new KinesisClient(clientConfig({ region: LocalCell.region }))
  readonly #streamName: string

  constructor(streamName: string) {
    this.#streamName = streamName
  }

  /** Splits the open shard with the least hash keys in its middle. */
  async splitFirst(): Promise<void> {
    const [first] = await this.#open()
    const { StartingHashKey: from, EndingHashKey: to } = first!.HashKeyRange!
    const NewStartingHashKey = String((BigInt(from!) + BigInt(to!) + 1n) / 2n)
    const ShardToSplit = first!.ShardId
    const StreamName = this.#streamName
    await this.#client.send(new SplitShardCommand({ StreamName, ShardToSplit, NewStartingHashKey }))
    await this.#untilActive()
  }

  /** Makes one of the last two open shards. */
  async mergeLast(): Promise<void> {
    const [ShardToMerge, AdjacentShardToMerge] = (await this.#open())
      .slice(-2)
      .map((shard) => shard.ShardId)
    const StreamName = this.#streamName
    await this.#client.send(
      new MergeShardsCommand({ StreamName, ShardToMerge, AdjacentShardToMerge }),
    )
    await this.#untilActive()
  }

  /** In the order of their hash keys. */
  async #open(): Promise<Shard[]> {
    const StreamName = this.#streamName
    const { Shards = [] } = await this.#client.send(new ListShardsCommand({ StreamName }))
    const start = (shard: Shard) => BigInt(shard.HashKeyRange!.StartingHashKey!)
    return Shards.filter(
      ({ SequenceNumberRange: range }) => range?.EndingSequenceNumber === undefined,
    ).sort((a, b) => (start(a) < start(b) ? -1 : 1))
  }

  async #untilActive(): Promise<void> {
    const StreamName = this.#streamName
    for (;;) {
      const { StreamDescriptionSummary: summary } = await this.#client.send(
        new DescribeStreamSummaryCommand({ StreamName }),
      )
      if (summary?.StreamStatus === 'ACTIVE') return
      await sleep(POLL_MS)
    }
  }
}
