import { changeEvent, EventProducer } from '#lib/producer.ts' // elsewhere: from 'weir/producer'

/** Sends the changes of a table, as Debezium tells them, in the order in which they come. */
export async function sendChanges(
  stream: { streamName: string; region: string },
  messages: AsyncIterable<{ value: string | null }>,
): Promise<void> {
  await using producer = new EventProducer<{ id: number }>({
    ...stream,
    type: 'bank.customer.changed',
    source: '/debezium',
    partitionKey: 'id',
  })
  for await (const { value } of messages) {
    const event = changeEvent(value, { key: ['id'], position: ['lsn'] })
    if (event !== undefined) await producer.sendText(event)
  }
}
