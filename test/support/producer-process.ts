/**
 * A program with a producer, ended in the way that its first argument says after so many events as the second says.
 * Prints a line for each flush that came back: how many events are safe.
 */
import { EventProducer } from '#lib/producer.ts'

const [ending, events] = [process.argv[2]!, Number(process.argv[3])]
const producer = new EventProducer<{ key: number; padding: string }>({
  streamName: 'stream',
  region: 'us-east-1',
  type: 'test',
  source: '/test',
  partitionKey: 'key',
  bufferBytes: 8 * 1024 * 1024,
  batchBytes: 64 * 1024,
})
const padding = 'abcdefghijklmnopqrstuvwxyz'.repeat(Number(process.argv[4] ?? 1))
for (let i = 1; i <= events; i++) {
  await producer.send({ id: `e${i}`, data: { key: i % 10, padding: `${i}${padding}` } })
  if (i === Math.floor(events / 2) && ending !== 'close') {
    await producer.flush()
    process.stdout.write(`${i}\n`)
  }
}
if (ending === 'exit') process.exit(0)
if (ending === 'kill') process.kill(process.pid, 'SIGKILL')
if (ending === 'throw') throw new Error('a bug of the program')
if (ending === 'close') await producer.close()
process.stdout.write(
  `${producer.counts.accepted} ${Math.round(process.resourceUsage().maxRSS / 1024)}\n`,
)
