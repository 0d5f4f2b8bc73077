import { MILLION } from './bill.ts'
import { usdOf } from './prices.ts'
import { EVENT_BYTES } from './workload.ts'

/** Somebody else's way to bring the same million events to S3. */
export interface Peer {
  readonly name: string
  /** Of a million events, at list price. */
  readonly usd: number
  readonly countedAs: string
  readonly doesNot: readonly string[]
}

export interface PeerLoad {
  readonly eventsPerSecond: number
  /** What the producer made of a million events. */
  readonly packedBytes: number
}

const GIB = 2 ** 30

/** The managed deliveries of the same load. Their own requests to S3 and Glue are left out, in their favour. */
export function peersOf({ eventsPerSecond, packedBytes }: PeerLoad): readonly Peer[] {
  const gib = (MILLION * EVENT_BYTES) / GIB
  const packedGib = packedBytes / GIB
  const streamHours = MILLION / eventsPerSecond / 3_600
  const channel = (deliveredGib: number) =>
    usdOf('kinesis.onDemandGibIn', deliveredGib) +
    usdOf('kinesis.channelGibToS3', deliveredGib) +
    usdOf('kinesis.onDemandStreamHours', streamHours)
  const noEvents = [
    'know events: a resend is stored again',
    'validate against a contract, or say by reason and path what was rejected',
    'prove from the stores that nothing was lost',
  ]
  return [
    {
      name: 'firehose-to-iceberg',
      usd: usdOf('firehose.gibToIceberg', gib),
      countedAs: 'direct PUT of 1 KB events, $/GB of delivery',
      doesNot: [
        ...noEvents,
        'keep the bytes that it took: nothing can be rebuilt from them',
        'compact or expire what it writes',
      ],
    },
    {
      name: 'kinesis-channel-to-s3',
      usd: channel(gib),
      countedAs: 'on-demand stream and channel, 1 KB events',
      doesNot: [
        ...noEvents,
        'make a table: it delivers objects',
        'deliver sooner than after five minutes',
      ],
    },
    {
      name: 'kinesis-channel-to-s3-packed',
      usd: channel(packedGib),
      countedAs: 'the same with records packed and compressed by our producer',
      doesNot: [
        ...noEvents,
        'make a table: it delivers objects, and no engine reads batches of compressed events',
        'deliver sooner than after five minutes',
      ],
    },
  ]
}
