type Value = { readonly S?: string; readonly N?: string }
type Item = Readonly<Record<string, Value>>
type Json = Readonly<Record<string, unknown>>

/** The order of DynamoDB's sort keys: that of their UTF-8 bytes. */
function compareText(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The item calls of DynamoDB that Weir's stores make, with the conditions that they write. */
export class StubDynamoDb {
  readonly #tables = new Map<string, Map<string, Map<string, Item>>>()

  /** The answer of one call; an error has a `__type`. */
  answer(operation: string, input: Json): Json {
    switch (operation) {
      case 'GetItem':
        return { Item: this.#find(input.TableName, input.Key as Item) }
      case 'PutItem':
        return this.#write(input, input.Item as Item, () => input.Item as Item)
      case 'UpdateItem':
        return this.#write(input, input.Key as Item, (before) => updated(input, before))
      case 'Query':
        return { Items: this.#query(input) }
      case 'BatchGetItem':
        return this.#batchGet(input)
      default:
        throw new Error(`the stub's DynamoDB knows no ${operation}`)
    }
  }

  #partition(table: unknown, key: string): Map<string, Item> {
    const partitions = this.#tables.get(String(table)) ?? new Map<string, Map<string, Item>>()
    const items = partitions.get(key) ?? new Map<string, Item>()
    this.#tables.set(String(table), partitions)
    partitions.set(key, items)
    return items
  }

  #find(table: unknown, key: Item): Item | undefined {
    return this.#partition(table, key.pk!.S!).get(key.sk!.S!)
  }

  #write(input: Json, key: Item, next: (before: Item | undefined) => Item): Json {
    const before = this.#find(input.TableName, key)
    const condition = input.ConditionExpression as string | undefined
    if (condition !== undefined && !holds(condition, input, before ?? {})) {
      return { __type: 'ConditionalCheckFailedException' }
    }
    this.#partition(input.TableName, key.pk!.S!).set(key.sk!.S!, next(before))
    return {}
  }

  #query(input: Json): readonly Item[] {
    const condition = input.KeyConditionExpression as string
    const [equality, ...rest] = condition.split(' AND ')
    const key = operand(input, equality!.split(' = ')[1]!)
    const items = [...this.#partition(input.TableName, key.S!)]
      .sort(([a], [b]) => compareText(a, b))
      .map(([, item]) => item)
      .filter((item) => rest.every((part) => holds(part, input, item)))
    if (input.ScanIndexForward === false) items.reverse()
    return items.slice(0, (input.Limit as number | undefined) ?? items.length)
  }

  #batchGet(input: Json): Json {
    const asked = input.RequestItems as Readonly<Record<string, { Keys: readonly Item[] }>>
    const found = Object.entries(asked).map(([table, { Keys }]) => [
      table,
      Keys.flatMap((key) => this.#find(table, key) ?? []),
    ])
    return { Responses: Object.fromEntries(found), UnprocessedKeys: {} }
  }
}

/** `SET #name = :value, …`, on top of what is there or of the bare key. */
function updated(input: Json, before: Item | undefined): Item {
  const expression = input.UpdateExpression as string
  if (!/^SET #\w+ = :\w+(?:, #\w+ = :\w+)*$/.test(expression)) {
    throw new Error(`the stub cannot read "${expression}"`)
  }
  const set = [...expression.matchAll(/(#\w+) = (:\w+)/g)].map(([, name, value]) => {
    return [nameOf(input, name!), operand(input, value!)] as const
  })
  return { ...(input.Key as Item), ...before, ...Object.fromEntries(set) }
}

function holds(condition: string, input: Json, item: Item): boolean {
  return condition.split(' OR ').some((part) => {
    const absent = /^attribute_not_exists\((#\w+)\)$/.exec(part)
    if (absent !== null) return item[nameOf(input, absent[1]!)] === undefined
    const comparison = /^(#\w+) (=|<|<=|>) (:\w+)$/.exec(part)
    if (comparison === null) throw new Error(`the stub cannot read the condition "${part}"`)
    const value = item[nameOf(input, comparison[1]!)]?.S
    if (value === undefined) return false
    const order = compareText(value, operand(input, comparison[3]!).S!)
    if (comparison[2] === '=') return order === 0
    if (comparison[2] === '>') return order > 0
    return comparison[2] === '<' ? order < 0 : order <= 0
  })
}

function nameOf(input: Json, alias: string): string {
  return (input.ExpressionAttributeNames as Readonly<Record<string, string>>)[alias]!
}

function operand(input: Json, alias: string): Value {
  return (input.ExpressionAttributeValues as Readonly<Record<string, Value>>)[alias]!
}
