import type { Contract } from '#lib/domain/contract/contract.ts'
import type { AggregateDefinition, AggregateFunction } from '../view.ts'
import type { Aggregate } from './aggregate.ts'
import { countAggregate } from './count.ts'
import { checkOptions, fieldOf, keptFieldOf, refuse } from './definition-checks.ts'
import { extremumAggregate } from './extremum.ts'
import { meanAggregate, sumAggregate } from './sum.ts'

const NUMBERS = ['int', 'long', 'decimal', 'double'] as const
const TIMES = ['date', 'timestamp', 'time'] as const
const ORDERED = [...NUMBERS, ...TIMES, 'string'] as const
const ANY = [...ORDERED, 'boolean', 'struct', 'list'] as const

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
