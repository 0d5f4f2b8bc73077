import { randomUUID } from 'node:crypto'
import { decide, keysOf, requestColumns } from '#lib/domain/features/decide/decide.ts'
import { type TypedDecision, typedDecision } from '#lib/domain/features/decide/typed-decision.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { productNamed } from '../../bin/commands/context.ts'
import { askDecision, type DecisionAnswer } from '../../bin/commands/decide.ts'
import { invokeFunction } from '../../bin/commands/invoke.ts'
import type { ProductStores } from '../../bin/commands/stores.ts'

/** A decision, and what was asked. */
export interface Asked {
  readonly what: string
  readonly answer: DecisionAnswer
}

/** How far estimates of trips were off that the features know nothing of. */
export interface EtaError {
  readonly trips: number
  /** Mean absolute error, seconds. */
  readonly estimate: number
  /** The same of the mean of all trips that the features know. */
  readonly naive: number
}

/** As many as the function answers at once. */
const REQUESTS_AT_ONCE = 500

/** The price in a zone where more taxis were wanted than freed. */
export async function surgeAnswer(
  context: CommandContext,
  { athena, deployed: { cell } }: ProductStores,
): Promise<Asked | undefined> {
  const { rows } = await athena.run(
    [
      "select zone, to_iso8601(max(occurred_at)), sum(if(kind = 'request', 1, -1))",
      "from surge where occurred_at >= timestamp '2019-01-02'",
      // Quarters of a day, as long as the view's windows.
      "group by zone, date_trunc('day', occurred_at), hour(occurred_at) / 6 order by 3 desc, 1, 2 limit 1",
    ].join('\n'),
  )
  if (rows[0] === undefined) return undefined
  const [zone, at] = rows[0]
  const request = [`zone=${zone}`]
  const options = { region: cell.region, at: String(at) }
  return {
    what: `zone ${zone} at ${at}`,
    answer: await askDecision(context, 'surge-multiplier', request, options),
  }
}

/** Whether a busy rider's payment of an odd price is taken; asked twice, as payments are. */
export async function paymentAnswer(
  context: CommandContext,
  { athena, deployed: { cell } }: ProductStores,
): Promise<Asked | undefined> {
  const { rows } = await athena.run(
    [
      'select rider_id, to_iso8601(max(dropoff_datetime))',
      "from trips where rider_id is not null group by rider_id, date_trunc('week', dropoff_datetime)",
      'order by count(distinct pickup_location_id) desc, 1, 2 limit 1',
    ].join('\n'),
  )
  if (rows[0] === undefined) return undefined
  const [rider, at] = rows[0]
  const request = [`rider=${rider}`, 'fare=190', 'miles=2.5']
  const options = { region: cell.region, at: String(at), id: `demo-${randomUUID()}` }
  const answer = await askDecision(context, 'payment-check', request, options)
  await askDecision(context, 'payment-check', request, options)
  return { what: `190 dollars for 2.5 miles by rider ${String(rider).slice(0, 12)}…`, answer }
}

/** A trip's time, estimated. */
export async function etaAnswer(context: CommandContext, region: string): Promise<Asked> {
  const request = ['from=161', 'to=236', 'miles=2.4', 'departs=2019-02-01T22:30:00Z']
  const answer = await askDecision(context, 'eta-estimate', request, {
    region,
    at: '2019-02-01T22:30:00Z',
  })
  return { what: 'from zone 161 to 236, 2.4 miles, on a Friday at 17:30', answer }
}

/**
 * How good estimates are: those of the first days of February, from features that only January is in, beside the mean of
 * January's trips. The definition that decides is the deployed one; it is evaluated here, on features that were served.
 */
export async function etaError(
  context: CommandContext,
  january: ProductStores,
  february: ProductStores,
): Promise<EtaError> {
  const product = await productNamed(context, 'trips')
  const definition = product.decisions.find(({ name }) => name === 'eta-estimate')!
  const eta = typedDecision(definition, { contracts: january.contracts, views: product.views })
  const { rows } = await february.athena.run(
    [
      'select pickup_location_id, dropoff_location_id, trip_distance, to_iso8601(pickup_datetime),',
      "  date_diff('second', pickup_datetime, dropoff_datetime)",
      "from trips where pickup_datetime >= timestamp '2019-02-01' and pickup_datetime < timestamp '2019-02-04'",
      // What the views leave out of their history is not asked for either.
      "  and trip_distance > 0 and date_diff('second', pickup_datetime, dropoff_datetime) between 60 and 10800",
    ].join('\n'),
  )
  const trips = rows.map(([from, to, miles, departs, seconds]) => ({
    request: {
      from: Number(from),
      to: Number(to),
      miles: Number(miles),
      departs: String(departs),
    },
    seconds: Number(seconds),
  }))
  const features = await featuresOf(context, january, eta, trips)
  const [[mean]] = (
    await january.athena.run(
      [
        "select avg(date_diff('second', pickup_datetime, dropoff_datetime)) from trips",
        "where trip_distance > 0 and date_diff('second', pickup_datetime, dropoff_datetime) between 60 and 10800",
      ].join('\n'),
    )
  ).rows as [[unknown]]
  let [estimate, naive] = [0, 0]
  for (const { request, seconds } of trips) {
    const { answers } = decide(eta, request, features(request))
    estimate += Math.abs(Number(answers.seconds) - seconds)
    naive += Math.abs(Number(mean) - seconds)
  }
  const each = (sum: number) => Math.round(sum / Math.max(1, trips.length))
  return { trips: trips.length, estimate: each(estimate), naive: each(naive) }
}

type Request = Parameters<typeof decide>[1]

/** The features of these trips, each key read once, many in one call. */
async function featuresOf(
  context: CommandContext,
  { deployed }: ProductStores,
  decision: TypedDecision,
  trips: readonly { readonly request: Request }[],
): Promise<(request: Request) => readonly FeatureValues[]> {
  const wanted = (request: Request) => {
    const keys = keysOf(decision, requestColumns(decision, request))
    return decision.features.map(({ view }, at) => ({ view: view.name, key: keys[at]! }))
  }
  const named = ({ view, key }: { view: string; key: string }) => `${view} ${key}`
  const all = new Map(
    trips.flatMap(({ request }) => wanted(request)).map((one) => [named(one), one]),
  )
  const requests = [...all.values()]
  const known = new Map<string, FeatureValues>()
  for (let at = 0; at < requests.length; at += REQUESTS_AT_ONCE) {
    const some = { requests: requests.slice(at, at + REQUESTS_AT_ONCE) }
    const { region } = deployed.cell
    const text = await invokeFunction(context, region, deployed.functions.getFeatures, some)
    const { results } = JSON.parse(text) as { readonly results: readonly FeatureValues[] }
    for (const one of results) known.set(named(one), one)
  }
  return (request) => wanted(request).map((one) => known.get(named(one))!)
}
