import { EventProducer, hasCode } from '#lib/producer.ts' // elsewhere: from 'weir/producer'

interface Trip {
  pickup_location_id: number
  fare_amount: number
  // and the other fields of the contract: `weir contract types trips` writes them all
}

/** Sends trips; answers the ids of those that the stream did not take, as far as they are named. */
export async function sendTrips(
  stream: { streamName: string; region: string },
  trips: AsyncIterable<{ id: string; trip: Trip }>,
): Promise<string[]> {
  const producer = new EventProducer<Trip>({
    ...stream,
    type: 'nyc.tlc.trip.completed',
    source: '/nyc-tlc/yellow',
    partitionKey: 'pickup_location_id',
  })
  for await (const { id, trip } of trips) await producer.send({ id, data: trip })
  try {
    await producer.close()
    return []
  } catch (error) {
    if (!hasCode(error, 'producer.notAccepted')) throw error
    return (error.context.events as { id: string }[]).map((event) => event.id)
  }
}
