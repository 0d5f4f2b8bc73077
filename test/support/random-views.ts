import type { Contract, FieldType } from '#lib/domain/contract/contract.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import type { DerivedColumn, Expression } from '#lib/domain/process/expressions/expression.ts'
import type { AggregateDefinition, ViewDefinition } from '#lib/domain/process/view.ts'
import type { WindowDefinition } from '#lib/domain/process/window.ts'

type Kind = 'boolean' | 'string' | 'long' | 'decimal' | 'double' | 'timestamp'

const ZONES = ['UTC', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe']
const LEVELS = 3

/** Views over a contract's fields that nobody would write, with expressions of every operator. */
export class RandomViews {
  readonly #random: Random
  readonly #fields: [string, FieldType][]

  constructor(contract: Contract, random: Random) {
    this.#random = random
    this.#fields = contract.fields.map(({ name, type }) => [name, type])
  }

  view(name: string, keys: readonly string[]): ViewDefinition {
    const before = this.#fields.length
    const derived: DerivedColumn[] = []
    for (let at = this.#below(4); at > 0; at--) derived.push(this.#derived(`derived_${at}`))
    const key = this.#one([
      ...keys,
      ...derived.filter(({ name: one }) => this.#isKey(one)).map((one) => one.name),
    ])
    const aggregates = Array.from({ length: 1 + this.#below(4) }, (_, at) =>
      this.#aggregate(`value_${at}`),
    )
    const view: ViewDefinition = {
      name,
      description: 'made by chance',
      key,
      ...(derived.length === 0 ? {} : { derived }),
      ...(this.#random() < 0.6 ? { filter: this.#boolean(LEVELS) } : {}),
      window: this.#window(),
      aggregates,
      freshnessSeconds: 60,
    }
    this.#fields.length = before
    return view
  }

  #derived(name: string): DerivedColumn {
    const kind = this.#one<Kind>(['boolean', 'string', 'long', 'decimal', 'double'])
    const value = this.#of(kind, LEVELS)
    // A decimal's scale is not looked at again: nothing is made of it but its aggregates.
    const type: FieldType =
      kind === 'decimal' ? { kind, precision: 18, scale: 0 } : ({ kind } as FieldType)
    this.#fields.push([name, type])
    return { name, value }
  }

  #isKey(name: string): boolean {
    const kind = this.#fields.find(([one]) => one === name)![1].kind
    return kind === 'boolean' || kind === 'long'
  }

  #aggregate(name: string): AggregateDefinition {
    const numeric = this.#named((kind) => ['int', 'long', 'decimal', 'double'].includes(kind))
    const ordered = this.#named((kind) =>
      ['int', 'long', 'decimal', 'double', 'timestamp'].includes(kind),
    )
    return this.#one<() => AggregateDefinition>([
      () => ({ name, function: 'count' }),
      () => ({ name, function: 'count', field: this.#one(this.#fields)[0] }),
      () => ({ name, function: 'sum', field: numeric }),
      () => ({ name, function: 'mean', field: numeric }),
      () => ({ name, function: 'min', field: ordered }),
      () => ({ name, function: 'max', field: ordered }),
      () => ({
        name,
        function: 'variance',
        field: numeric,
        of: this.#one(['population', 'sample'] as const),
      }),
      () => ({ name, function: 'distinct', field: ordered }),
      () => ({ name, function: 'first', field: ordered }),
      () => ({ name, function: 'last', field: ordered }),
    ])()
  }

  #window(): WindowDefinition {
    const offsetSeconds = this.#below(3) * 500
    return this.#one<WindowDefinition>([
      { kind: 'tumbling', sizeSeconds: 900, offsetSeconds },
      { kind: 'tumbling', sizeSeconds: 7 },
      { kind: 'sliding', sizeSeconds: 600, slideSeconds: 200, offsetSeconds },
      { kind: 'sliding', sizeSeconds: 500, slideSeconds: 300 },
      { kind: 'session', gapSeconds: 45 },
      { kind: 'running' },
    ])
  }

  #of(kind: Kind, levels: number): Expression {
    switch (kind) {
      case 'boolean':
        return this.#boolean(levels)
      case 'string':
        return this.#string(levels)
      case 'timestamp':
        return { column: this.#named((one) => one === 'timestamp') }
      default:
        return this.#number(kind, levels)
    }
  }

  #boolean(levels: number): Expression {
    if (levels === 0) return this.#leaf('boolean', { literal: this.#random() < 0.5 })
    const less = levels - 1
    const both = (kind: Kind): [Expression, Expression] => [
      this.#of(kind, less),
      this.#of(kind, less),
    ]
    return this.#one<() => Expression>([
      () => ({
        operator: this.#one(['eq', 'ne', 'lt', 'le', 'gt', 'ge'] as const),
        of: both(this.#one<Kind>(['boolean', 'string', 'long', 'decimal', 'double', 'timestamp'])),
      }),
      () => ({ operator: 'lt', of: [this.#of('long', less), this.#of('double', less)] }),
      () => ({
        operator: this.#one(['and', 'or'] as const),
        of: [this.#boolean(less), this.#boolean(less), this.#boolean(0)],
      }),
      () => ({ operator: 'not', of: [this.#boolean(less)] }),
      () => ({
        operator: 'isNull',
        of: [this.#of(this.#one<Kind>(['string', 'long', 'double']), less)],
      }),
      () => ({ operator: 'in', of: [this.#string(less)], values: ['a', "b'c", 'ä'] }),
      () => ({ operator: 'in', of: [this.#number('long', less)], values: [1, -2, 30] }),
      () => ({ operator: 'coalesce', of: [this.#boolean(less), { literal: false }] }),
    ])()
  }

  #string(levels: number): Expression {
    if (levels === 0) return this.#leaf('string', { literal: this.#one(['a', "b'c", 'ä"', '']) })
    const less = levels - 1
    return this.#one<() => Expression>([
      () => ({
        operator: 'concat',
        of: [this.#string(less), { literal: '-' }, this.#string(less)],
      }),
      () => ({
        operator: 'text',
        of: [this.#of(this.#one<Kind>(['long', 'boolean', 'string']), less)],
      }),
      () => this.#case('string', less),
    ])()
  }

  #number(kind: 'long' | 'decimal' | 'double', levels: number): Expression {
    if (levels === 0) return this.#leaf(kind, NUMBERS[kind][this.#below(NUMBERS[kind].length)]!)
    const less = levels - 1
    const pair = (): [Expression, Expression] => [
      this.#number(kind, less),
      this.#number(kind, less),
    ]
    const choices: (() => Expression)[] = [
      () => ({ operator: this.#one(['add', 'subtract'] as const), of: pair() }),
      () => this.#case(kind, less),
      () => ({ operator: 'coalesce', of: [this.#number(kind, less), this.#number(kind, 0)] }),
    ]
    if (kind === 'long') {
      choices.push(
        () => ({ operator: 'multiply', of: pair() }),
        () => ({
          operator: 'floorTo',
          of: [this.#number('long', less)],
          step: 1 + this.#below(100),
        }),
        () => ({
          operator: this.#one(['hour', 'weekday'] as const),
          of: [this.#of('timestamp', 0)],
          zone: this.#one(ZONES),
        }),
        () => ({
          operator: 'secondsBetween',
          of: [this.#of('timestamp', 0), this.#of('timestamp', 0)],
        }),
      )
    }
    if (kind === 'decimal') {
      choices.push(() => ({
        operator: 'multiply',
        of: [this.#number('decimal', 0), this.#number('long', less)],
      }))
    }
    if (kind === 'double') {
      choices.push(
        () => ({ operator: 'multiply', of: pair() }),
        () => ({
          operator: 'divide',
          of: [
            this.#number(this.#one(['long', 'decimal', 'double'] as const), less),
            this.#number('long', less),
          ],
        }),
        () => ({
          operator: 'double',
          of: [this.#number(this.#one(['long', 'decimal'] as const), less)],
        }),
      )
    }
    return this.#one(choices)()
  }

  #case(kind: 'string' | 'long' | 'decimal' | 'double', levels: number): Expression {
    const when = [{ if: this.#boolean(levels), value: this.#of(kind, levels) }]
    if (this.#random() < 0.5) when.push({ if: this.#boolean(0), value: this.#of(kind, 0) })
    return this.#random() < 0.7
      ? { operator: 'case', when, else: this.#of(kind, levels) }
      : { operator: 'case', when }
  }

  /** A column of the kind mostly, else the literal. */
  #leaf(kind: Kind, literal: Expression): Expression {
    const fitting = this.#fields.filter(
      ([, type]) => type.kind === kind || (kind === 'long' && type.kind === 'int'),
    )
    return fitting.length > 0 && this.#random() < 0.7 ? { column: this.#one(fitting)[0] } : literal
  }

  #named(isFit: (kind: string) => boolean): string {
    return this.#one(this.#fields.filter(([, type]) => isFit(type.kind)))[0]
  }

  #below(bound: number): number {
    return Math.floor(this.#random() * bound)
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!
  }
}

const NUMBERS: Readonly<Record<'long' | 'decimal' | 'double', readonly Expression[]>> = {
  long: [{ literal: 0 }, { literal: 7 }, { literal: -3 }, { literal: 2 ** 40 }],
  decimal: [{ decimal: '0.50' }, { decimal: '-12.3' }, { decimal: '1000' }],
  double: [{ literal: 0.5 }, { literal: -1.25e-7 }, { literal: 3.1e-4 }],
}
