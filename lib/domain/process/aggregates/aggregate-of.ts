import type { Contract } from '#lib/domain/contract/contract.ts'
import type { AggregateDefinition, AggregateFunction } from '../view.ts'
import type { Aggregate } from './aggregate.ts'
import { byEventTimeAggregate } from './by-event-time.ts'
import { countAggregate } from './count.ts'
import { checkOptions, checkRange, fieldOf, keptFieldOf, refuse } from './definition-checks.ts'
import { distinctAggregate, PRECISIONS } from './distinct.ts'
import { extremumAggregate } from './extremum.ts'
import { ACCURACIES, BINS, quantileAggregate } from './quantile.ts'
import { meanAggregate, sumAggregate } from './sum.ts'
import { CAPACITIES, RANKS, topkAggregate } from './topk.ts'
import { varianceAggregate } from './variance.ts'

const NUMBERS = ['int', 'long', 'decimal', 'double'] as const
const TIMES = ['date', 'timestamp', 'time'] as const
const ORDERED = [...NUMBERS, ...TIMES, 'string'] as const
const SINGLE = [...ORDERED, 'boolean'] as const
const ANY = [...SINGLE, 'struct', 'list'] as const

type Build<Function extends AggregateFunction> = (
  definition: AggregateDefinition & { readonly function: Function },
  contract: Contract,
) => Aggregate<unknown>

/** Each function's algebra, after a look at its options. */
const BUILD: { readonly [Function in AggregateFunction]: Build<Function> } = {
  count(definition, contract) {
    checkOptions(definition, ['field'])
    const field = definition.field === undefined ? undefined : fieldOf(definition, contract, ANY)
    return countAggregate(definition.name, field?.name)
  },
  sum(definition, contract) {
    checkOptions(definition, ['field'])
    return sumAggregate(definition.name, fieldOf(definition, contract, NUMBERS))
  },
  mean(definition, contract) {
    checkOptions(definition, ['field'])
    return meanAggregate(definition.name, fieldOf(definition, contract, NUMBERS))
  },
  min(definition, contract) {
    checkOptions(definition, ['field'])
    return extremumAggregate(definition.name, keptFieldOf(definition, contract, ORDERED), 'min')
  },
  max(definition, contract) {
    checkOptions(definition, ['field'])
    return extremumAggregate(definition.name, keptFieldOf(definition, contract, ORDERED), 'max')
  },
  variance(definition, contract) {
    checkOptions(definition, ['field', 'of'])
    const { name, of } = definition
    if (of !== 'population' && of !== 'sample') {
      refuse(definition, `of is "population" or "sample", not ${JSON.stringify(of)}`)
    }
    return varianceAggregate(name, fieldOf(definition, contract, NUMBERS), of)
  },
  distinct(definition, contract) {
    checkOptions(definition, ['field', 'precision'])
    const { name, precision = PRECISIONS.default } = definition
    checkRange(definition, 'precision', precision, PRECISIONS)
    return distinctAggregate(name, fieldOf(definition, contract, ORDERED), precision)
  },
  quantile(definition, contract) {
    checkOptions(definition, ['field', 'q', 'accuracy', 'maxBins'])
    const { name, q, accuracy = ACCURACIES.default, maxBins = BINS.default } = definition
    checkRange(definition, 'accuracy', accuracy, { ...ACCURACIES, isWhole: false })
    checkRange(definition, 'maxBins', maxBins, BINS)
    for (const one of Array.isArray(q) ? q : [q]) {
      checkRange(definition, 'q', one, { least: 0, greatest: 1, isWhole: false })
    }
    if (Array.isArray(q) && q.length === 0) refuse(definition, 'q is empty: name a quantile')
    const field = fieldOf(definition, contract, NUMBERS)
    return quantileAggregate(name, field, { q, accuracy, maxBins })
  },
  topk(definition, contract) {
    checkOptions(definition, ['field', 'k', 'capacity'])
    const { name, k } = definition
    checkRange(definition, 'k', k, RANKS)
    const { capacity = Math.max(10 * k, CAPACITIES.default) } = definition
    checkRange(definition, 'capacity', capacity, { ...CAPACITIES, least: k })
    return topkAggregate(name, keptFieldOf(definition, contract, SINGLE), { k, capacity })
  },
  first: (definition, contract) => byEventTime(definition, contract, 'first'),
  last: (definition, contract) => byEventTime(definition, contract, 'last'),
}

function byEventTime(
  definition: AggregateDefinition,
  contract: Contract,
  which: 'first' | 'last',
): Aggregate<unknown> {
  checkOptions(definition, ['field'])
  const field = keptFieldOf(definition, contract, SINGLE)
  return byEventTimeAggregate(definition.name, field, contract.eventTime, which)
}

const built = new WeakMap<Contract, WeakMap<AggregateDefinition, Aggregate<unknown>>>()

/**
 * The algebra of a definition over this contract's columns, built once for each pair. Throws `view.invalid` if there
 * is no such function, the field is of no kind that it takes, or an option is out of range.
 */
export function aggregateOf(
  definition: AggregateDefinition,
  contract: Contract,
): Aggregate<unknown> {
  const ofContract = built.get(contract) ?? new WeakMap<AggregateDefinition, Aggregate<unknown>>()
  built.set(contract, ofContract)
  const known = ofContract.get(definition)
  if (known !== undefined) return known
  // A view's file is read as it is: a function may be no function of ours.
  const name: string = definition.function
  if (!Object.hasOwn(BUILD, name)) {
    refuse(definition, `there is no function "${name}": write ${Object.keys(BUILD).join(', ')}`)
  }
  const build = BUILD[definition.function] as Build<AggregateFunction>
  const aggregate = build(definition, contract)
  ofContract.set(definition, aggregate)
  return aggregate
}
