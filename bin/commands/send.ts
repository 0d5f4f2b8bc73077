import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { KinesisClient } from '@aws-sdk/client-kinesis'
import type { Command } from 'commander'
import { KinesisRecordSink } from '#lib/adapters/kinesis/kinesis-record-sink.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { IdentitySet, identityWords } from '#lib/domain/ingest/identity-set.ts'
import { Producer } from '#lib/domain/ingest/producer.ts'
import type { OutgoingRecord, RecordOutcome, RecordSink } from '#lib/domain/ingest/producer-sink.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { disordered } from '#lib/domain/ops/disorder.ts'
import { type Random, seededRandom } from '#lib/domain/ops/seeded-random.ts'
import { durationMs, fraction, ratePerSecond, wholeNumber } from './arguments.ts'
import { productIn } from './cells.ts'
import { type CommandContext, productNamed } from './context.ts'
import { type FileEvent, readEvents } from './event-file.ts'
import { CommandError, reportOf } from './failure.ts'
import type { Register } from './program.ts'
import { StallWatch } from './stall-watch.ts'
import { type Bar, counted, grouped } from './terminal.ts'

export interface SendOptions {
  readonly region: string
  /** Share of the events that is sent again, later. @default 0 */
  readonly duplicate?: number
  /** How far events are displaced, milliseconds of event time. @default 0 */
  readonly shuffle?: number
  /** @default 1 */
  readonly seed?: number
  /** Events per second. @default as fast as it goes */
  readonly rate?: number
  /** Milliseconds without an event accepted, after which it gives up. @default 30,000 */
  readonly timeout?: number
}

export interface SendResult {
  /** Events handed to the stream, resends included. */
  readonly sent: number
  /** Distinct (source, id) among them. */
  readonly unique: number
  /** Events that the stream acknowledged. */
  readonly accepted: number
  /** Records sent again because the stream refused them. */
  readonly retried: number
  /** Lines that are no event, and events that the stream did not take. */
  readonly failed: number
}

export interface SendOutcome {
  readonly result: SendResult
  /** One line each, the first few only. */
  readonly problems: readonly string[]
}

const DEFAULT_TIMEOUT_MS = 30_000
/** Lines about single failures that are worth reading. */
const MAX_PROBLEMS = 5
/** Resends wait at most this long for the records they repeat, so that memory stays bounded. */
const MAX_WAITING_RESENDS = 5_000

/** Sends a file to a product's stream in a region. */
export async function send(
  context: CommandContext,
  productName: string,
  file: string,
  options: SendOptions,
): Promise<SendOutcome> {
  const product = await productNamed(context, productName)
  const deployed = await productIn(context, options.region, productName)
  // The producer repeats by itself, only what was refused.
  const client = new KinesisClient({
    ...context.target.clientConfig(options.region),
    maxAttempts: 1,
  })
  const sink = new KinesisRecordSink({ client, streamName: deployed.streamName })
  const bar = { current: undefined as Bar | undefined }
  try {
    return await sendFile({
      product,
      file,
      sink,
      options,
      // What is still waited for when sending was given up must not keep the process; until then the watch does.
      pause: async (ms) => sleep(ms, undefined, { ref: false }),
      signal: context.signal,
      onProgress(done, total, unit) {
        bar.current ??= context.terminal.progress(`sending to ${options.region}`, total, unit)
        bar.current.update(done, total)
      },
    })
  } catch (error) {
    // A call that nobody waits for any more would keep the process for as long as its own time-out.
    client.destroy()
    throw error
  } finally {
    bar.current?.stop()
  }
}

export interface SendFile {
  readonly product: Product
  readonly file: string
  readonly sink: RecordSink
  readonly options: Omit<SendOptions, 'region'>
  readonly pause: (ms: number) => Promise<void>
  /** Aborted when the person asks to stop. */
  readonly signal?: AbortSignal
  readonly onProgress?: (done: number, total: number, unit: string) => void
}

/**
 * Sends a file to a sink. What cannot be sent is counted and named; everything else is sent. Fails with one line that
 * says how far it came if the stream accepts nothing for a while, or the person asks to stop.
 */
export async function sendFile(request: SendFile): Promise<SendOutcome> {
  const { product, file, options, pause, signal: stopped } = request
  const { duplicate = 0, shuffle = 0, seed = 1, rate, timeout = DEFAULT_TIMEOUT_MS } = options
  const problems = new Problems()
  const sink = new WatchedSink(request.sink)
  const events = await readEvents(product, file, {
    onProblem: (line, problem) => problems.add(`line ${line}: ${problem}`),
    onProgress: (done, total, unit) => request.onProgress?.(done, total, unit),
  })
  const { spread } = product.contract
  const watch: StallWatch = new StallWatch(timeout, () => {
    const { sent, accepted, failed } = producer.counts
    return { isUnderWay: sent > accepted + failed || sink.isRefusing, done: accepted }
  })
  const signal = AbortSignal.any([watch.signal, ...(stopped === undefined ? [] : [stopped])])
  const producer: Producer = new Producer({
    sink,
    sleep: pause,
    random: Math.random,
    spread,
    signal,
  })
  const sender = new Sender(producer, rate === undefined ? undefined : { rate, pause })
  const resultNow = (): SendResult => {
    const { sent, accepted, retried, failed } = producer.counts
    return { sent, unique: sender.unique, accepted, retried, failed: failed + problems.lines }
  }
  // Chance of its own for each: asking for resends must not change the order, nor the other way round.
  const displaced = disordered(chosenForResend(events, duplicate, seededRandom(seed, 2)), {
    shuffleMicros: shuffle * 1_000,
    random: seededRandom(seed, 1),
  })
  let resends: FileEvent[] = []
  const sendAgain = async () => {
    if (resends.length === 0) return
    // In records of their own, after those that they repeat.
    await sender.flush(problems)
    for (const event of resends) await sender.send(event)
    resends = []
  }
  try {
    for await (const event of displaced) {
      await sender.send(event)
      if (event.isResent) resends.push(event)
      if (resends.length >= MAX_WAITING_RESENDS) await sendAgain()
    }
    await sendAgain()
    await sender.flush(problems)
  } catch (error) {
    if (!signal.aborted) throw error
    throw brokenOff(resultNow(), stopped?.aborted === true, timeout, sink.lastRefusal)
  } finally {
    watch.end()
  }
  return { result: resultNow(), problems: problems.listed() }
}

/** How far it came, and how to go on: the stream has what it acknowledged, and knows it again. */
function brokenOff(
  result: SendResult,
  wasStopped: boolean,
  timeoutMs: number,
  lastRefusal: string | undefined,
): CommandError {
  const why = wasStopped
    ? 'interrupted'
    : `the stream has accepted nothing for ${timeoutMs / 1_000} s${lastRefusal === undefined ? '' : ` (${lastRefusal})`}`
  return new CommandError(
    wasStopped ? 'send.interrupted' : 'send.stalled',
    `${why}: ${grouped(result.accepted)} of the ${counted(result.sent, 'event')} sent so far ${result.accepted === 1 ? 'was' : 'were'} accepted; to go on, send the same file again: what is in the table already is not taken twice`,
    { document: { ...result, stalled: !wasStopped } },
  )
}

/** Remembers whether the stream takes what it is given, and why not. */
class WatchedSink implements RecordSink {
  readonly limits: RecordSink['limits']
  readonly #sink: RecordSink
  isRefusing = false
  lastRefusal: string | undefined

  constructor(sink: RecordSink) {
    this.#sink = sink
    this.limits = sink.limits
  }

  async put(records: readonly OutgoingRecord[]): Promise<readonly RecordOutcome[]> {
    try {
      const outcomes = await this.#sink.put(records)
      const refused = outcomes.find((one) => !one.accepted)
      this.#note(refused?.accepted === false ? refused.reason : undefined)
      return outcomes
    } catch (error) {
      this.#note(reportOf(error).message)
      throw error
    }
  }

  #note(refusal: string | undefined): void {
    this.isRefusing = refusal !== undefined
    this.lastRefusal = refusal ?? this.lastRefusal
  }
}

/** Chosen in file order, so that the same events are resent whatever the disorder. */
async function* chosenForResend(
  events: AsyncIterable<FileEvent>,
  share: number,
  random: Random,
): AsyncGenerator<FileEvent & { readonly isResent: boolean }> {
  for await (const event of events) yield { ...event, isResent: random() < share }
}

class Sender {
  readonly #producer: Producer
  readonly #pace:
    | { readonly rate: number; readonly pause: (ms: number) => Promise<void> }
    | undefined
  readonly #identities = new IdentitySet()
  readonly #started = performance.now()

  constructor(producer: Producer, pace?: { rate: number; pause: (ms: number) => Promise<void> }) {
    this.#producer = producer
    this.#pace = pace
  }

  get unique(): number {
    return this.#identities.size
  }

  async send(event: FileEvent): Promise<void> {
    const identity = createHash('sha256')
      .update(JSON.stringify([event.source, event.id]))
      .digest()
    this.#identities.add(identityWords(identity), [0])
    await this.#producer.send(event)
    if (this.#pace === undefined) return
    const dueMs = (this.#producer.counts.sent / this.#pace.rate) * 1_000
    const aheadMs = dueMs - (performance.now() - this.#started)
    if (aheadMs > 20) await this.#pace.pause(aheadMs)
  }

  /** What the stream does not take is a problem to name, not the end of the rest. */
  async flush(problems: Problems): Promise<void> {
    try {
      await this.#producer.flush()
    } catch (error) {
      if (!hasCode(error, 'producer.notAccepted')) throw error
      problems.addRefusal((error as Error).message)
    }
  }
}

/** The first few problems, and how many there were. */
class Problems {
  readonly #first: string[] = []
  lines = 0
  #all = 0

  add(text: string): void {
    this.lines += 1
    this.#note(text)
  }

  /** Counted by the producer already. */
  addRefusal(text: string): void {
    this.#note(text)
  }

  listed(): readonly string[] {
    const more = this.#all - this.#first.length
    return more === 0 ? this.#first : [...this.#first, `and ${grouped(more)} more`]
  }

  #note(text: string): void {
    this.#all += 1
    if (this.#first.length < MAX_PROBLEMS) this.#first.push(text)
  }
}

export const registerSend: Register = (program, run) => {
  program
    .command('send')
    .summary('send a file of events to a product')
    .description(
      [
        'Sends the rows of a file to a product in one region: a .csv through the product’s own form, in order of event',
        'time; a .ndjson of event data or of CloudEvents, in file order. Rows that break the contract are sent too: the',
        'lake puts them into quarantine, with the reason. Sending a file again sends the same ids: it adds nothing to the',
        'table, and stores the rejected rows in quarantine once more.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .argument('<file>', 'a .csv or .ndjson file')
    .requiredOption('--region <region>', 'the cell to send to')
    .option('--duplicate <share>', 'send this share of the events again, later: 0.02', fraction)
    .option('--shuffle <time>', 'displace events by up to this much event time: 30s', durationMs)
    .option('--seed <number>', 'repeat the same resends and disorder', wholeNumber)
    .option('--rate <events>', 'at most so many events per second: 500/s', ratePerSecond)
    .option(
      '--timeout <time>',
      'give up if nothing is accepted for so long (default: 30s)',
      durationMs,
    )
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- send trips products/trips/data/yellow_tripdata_2019-01_sample.csv --region us-east-1',
        '  npm run weir -- send trips trips.ndjson --region eu-west-1 --duplicate 0.02 --shuffle 30s --seed 7',
        '',
        'With --json: {sent, unique, accepted, retried, failed}',
      ].join('\n'),
    )
    .action((product: string, file: string, options: SendOptions, command: Command) =>
      run(command, async (context) => {
        const { terminal } = context
        const { result, problems } = await send(context, product, file, options)
        terminal.line(
          `sent ${counted(result.sent, 'event')} (${grouped(result.unique)} unique) to ${product} in ${options.region}: ` +
            `${grouped(result.accepted)} accepted, ${grouped(result.retried)} retried, ${grouped(result.failed)} failed`,
        )
        if (result.failed > 0) {
          throw new CommandError('send.incomplete', problems.join('\n'), { document: result })
        }
        terminal.document(result)
      }),
    )
}
