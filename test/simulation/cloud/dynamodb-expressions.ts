/** An attribute as DynamoDB's API writes it. */
export interface Attribute {
  readonly S?: string
  readonly N?: string
  readonly [kind: string]: unknown
}
export type Item = Readonly<Record<string, Attribute>>

export interface ExpressionInput {
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>
  readonly ExpressionAttributeValues?: Readonly<Record<string, Attribute>>
}

type Condition = (item: Item, input: ExpressionInput) => boolean
type Operand = (item: Item, input: ExpressionInput) => Attribute | undefined
type Update = (item: Item, input: ExpressionInput) => Item

const TOKENS = /\s*(<=|>=|<>|[=<>(),+-]|[#:]?[\w.]+)/gy

/** Conditions and updates are few and used by the thousand: each text is read once. */
const conditions = new Map<string, Condition>()
const updates = new Map<string, Update>()

/** Whether a condition holds of an item; an absent item has no attributes. */
export function holds(text: string, item: Item, input: ExpressionInput): boolean {
  const known = conditions.get(text) ?? new Parser(text).condition()
  conditions.set(text, known)
  return known(item, input)
}

/** The item after an update expression. */
export function updated(text: string, item: Item, input: ExpressionInput): Item {
  const known = updates.get(text) ?? new Parser(text).update()
  updates.set(text, known)
  return known(item, input)
}

/** The grammar of DynamoDB's expressions, but for document paths, sets and CONTAINS. */
class Parser {
  readonly #text: string
  readonly #tokens: readonly string[]
  #at = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = [...text.matchAll(TOKENS)].map(([, token]) => token!)
    if (this.#tokens.join('') !== text.replace(/\s/g, '')) throw this.#unknown()
  }

  condition(): Condition {
    const parsed = this.#or()
    if (this.#at < this.#tokens.length) throw this.#unknown()
    return parsed
  }

  update(): Update {
    const steps: Update[] = []
    while (this.#at < this.#tokens.length) {
      const clause = this.#take().toUpperCase()
      do steps.push(this.#clause(clause))
      while (this.#accept(','))
    }
    return (item, input) => steps.reduce((so, step) => step(so, input), item)
  }

  #clause(clause: string): Update {
    const name = this.#take()
    const nameOf = (input: ExpressionInput) => attributeName(name, input)
    switch (clause) {
      case 'SET': {
        this.#expect('=')
        const value = this.#sum()
        return (item, input) => ({ ...item, [nameOf(input)]: value(item, input)! })
      }
      case 'ADD': {
        const amount = this.#operand()
        return (item, input) => {
          const before = item[nameOf(input)] ?? { N: '0' }
          return { ...item, [nameOf(input)]: add(before, amount(item, input)!, 1n) }
        }
      }
      case 'REMOVE':
        return (item, input) => {
          const { [nameOf(input)]: _removed, ...rest } = item
          return rest
        }
      default:
        throw this.#unknown()
    }
  }

  #sum(): Operand {
    const left = this.#operand()
    const sign = this.#accept('+') ? 1n : this.#accept('-') ? -1n : 0n
    if (sign === 0n) return left
    const right = this.#operand()
    return (item, input) => add(left(item, input)!, right(item, input)!, sign)
  }

  #or(): Condition {
    let left = this.#and()
    while (this.#accept('OR')) {
      const [a, b] = [left, this.#and()]
      left = (item, input) => a(item, input) || b(item, input)
    }
    return left
  }

  #and(): Condition {
    let left = this.#not()
    while (this.#accept('AND')) {
      const [a, b] = [left, this.#not()]
      left = (item, input) => a(item, input) && b(item, input)
    }
    return left
  }

  #not(): Condition {
    if (!this.#accept('NOT')) return this.#test()
    const inner = this.#not()
    return (item, input) => !inner(item, input)
  }

  #test(): Condition {
    if (this.#accept('(')) {
      const inner = this.#or()
      this.#expect(')')
      return inner
    }
    const functionName = this.#tokens[this.#at + 1] === '(' ? this.#take() : undefined
    if (functionName !== undefined) return this.#function(functionName)
    const left = this.#operand()
    if (this.#accept('BETWEEN')) {
      const low = this.#operand()
      this.#expect('AND')
      const high = this.#operand()
      return (item, input) => {
        const value = left(item, input)
        return compare(value, '>=', low(item, input)) && compare(value, '<=', high(item, input))
      }
    }
    const operator = this.#take()
    const right = this.#operand()
    return (item, input) => compare(left(item, input), operator, right(item, input))
  }

  #function(name: string): Condition {
    this.#expect('(')
    const subject = this.#operand()
    const prefix = this.#accept(',') ? this.#operand() : undefined
    this.#expect(')')
    switch (name) {
      case 'attribute_exists':
        return (item, input) => subject(item, input) !== undefined
      case 'attribute_not_exists':
        return (item, input) => subject(item, input) === undefined
      case 'begins_with':
        return (item, input) =>
          subject(item, input)?.S?.startsWith(prefix!(item, input)!.S!) === true
      default:
        throw this.#unknown()
    }
  }

  #operand(): Operand {
    const token = this.#take()
    if (token === 'if_not_exists') {
      this.#expect('(')
      const wanted = this.#operand()
      this.#expect(',')
      const otherwise = this.#operand()
      this.#expect(')')
      return (item, input) => wanted(item, input) ?? otherwise(item, input)
    }
    if (!token.startsWith(':')) return (item, input) => item[attributeName(token, input)]
    return (_item, input) => {
      const value = input.ExpressionAttributeValues?.[token]
      if (value === undefined) throw new Error(`${token} has no value in: ${this.#text}`)
      return value
    }
  }

  #accept(token: string): boolean {
    if (this.#tokens[this.#at]?.toUpperCase() !== token) return false
    this.#at++
    return true
  }

  #expect(token: string): void {
    if (!this.#accept(token)) throw this.#unknown()
  }

  #take(): string {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw this.#unknown()
    return token
  }

  #unknown(): Error {
    return new Error(`the model of DynamoDB cannot read the expression: ${this.#text}`)
  }
}

function attributeName(token: string, input: ExpressionInput): string {
  if (!token.startsWith('#')) return token
  const name = input.ExpressionAttributeNames?.[token]
  if (name === undefined) throw new Error(`${token} has no name`)
  return name
}

function add(a: Attribute, b: Attribute, sign: bigint): Attribute {
  return { N: String(BigInt(a.N!) + sign * BigInt(b.N!)) }
}

/** False if either is absent or they are of different kinds, as in DynamoDB; `<>` then is true. */
function compare(a: Attribute | undefined, operator: string, b: Attribute | undefined): boolean {
  const order = orderOf(a, b)
  switch (operator) {
    case '=':
      return order === 0
    case '<>':
      return order !== 0
    case '<':
      return order !== undefined && order < 0
    case '<=':
      return order !== undefined && order <= 0
    case '>':
      return order !== undefined && order > 0
    case '>=':
      return order !== undefined && order >= 0
    default:
      throw new Error(`the model of DynamoDB knows no operator ${operator}`)
  }
}

function orderOf(a: Attribute | undefined, b: Attribute | undefined): number | undefined {
  if (a?.S !== undefined && b?.S !== undefined) return compareUtf8(a.S, b.S)
  if (a?.N !== undefined && b?.N !== undefined) return Number(a.N) - Number(b.N)
  return undefined
}

/** The order of DynamoDB's strings: that of their UTF-8 bytes. */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0
  return isAscii(a) && isAscii(b)
    ? a < b
      ? -1
      : 1
    : Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function isAscii(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII is meant
  return /^[\x00-\x7f]*$/.test(text)
}
