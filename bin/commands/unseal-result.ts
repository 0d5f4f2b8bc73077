import type { QueryResult } from '#lib/adapters/athena/athena-query.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { isSealed, sealedFields } from '#lib/domain/contract/stored-form.ts'
import { MOST_ROWS, type Unsealed } from '#lib/domain/privacy/unseal.ts'
import { productIn } from './cells.ts'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'
import { FunctionFailure, invokeFunction } from './invoke.ts'

/** What says which event a row is. */
const PLACE = ['ingest_shard', 'ingest_sequence', 'ingest_index'] as const

/** The products whose personal fields may be opened for a purpose. */
export function productsOpenedFor(
  products: readonly Product[],
  purpose: string,
): readonly Product[] {
  return products.filter(({ contract }) => contract.purposes?.includes(purpose) === true)
}

/**
 * The result with the values of its sealed columns, as far as anybody can read them: an erased person's stay null, and
 * their token is what it was. The function that opens them logs purpose and people.
 */
export async function unsealed(
  context: CommandContext,
  result: QueryResult,
  {
    products,
    purpose,
    region,
  }: {
    readonly products: readonly Product[]
    readonly purpose: string
    readonly region: string
  },
): Promise<QueryResult> {
  const product = products.find(
    ({ contract }) => isSealed(contract) && result.columns.includes(contract.subject),
  )
  const columns = PLACE.map((name) => result.columns.indexOf(name))
  if (product === undefined || columns.includes(-1)) {
    const subjects = new Set(products.map(({ contract }) => contract.subject))
    throw new CommandError(
      'query.notUnsealable',
      `to open personal fields, the query has to select ${PLACE.join(', ')} and ${[...subjects].join(' or ')}: they say which events the rows are`,
      { exitCode: 2 },
    )
  }
  const { contract } = product
  if (!isSealed(contract)) return result
  const { functions } = await productIn(context, region, product.name)
  if (functions.unseal === undefined) {
    throw new CommandError(
      'cell.outdated',
      `${product.name} in ${region} has no function that opens personal fields: run \`npm run weir -- up\``,
    )
  }
  const name = `${functions.unseal}:${purpose}`
  const subject = result.columns.indexOf(contract.subject)
  const rows = result.rows.map((row) => [...row])
  const sealed = rows.filter((row) => row[subject] !== null)
  for (let first = 0; first < sealed.length; first += MOST_ROWS) {
    const chunk = sealed.slice(first, first + MOST_ROWS)
    const asked = chunk.map((row) => ({
      shard: String(row[columns[0]!]),
      sequence: String(row[columns[1]!]),
      index: Number(row[columns[2]!]),
      token: String(row[subject]),
    }))
    const answer = await open(context, region, name, asked)
    for (const [i, values] of answer.rows.entries()) {
      for (const field of values === null ? [] : sealedFields(contract)) {
        const column = result.columns.indexOf(field)
        if (column >= 0) chunk[i]![column] = values![field] ?? null
      }
    }
  }
  return { ...result, rows }
}

async function open(
  context: CommandContext,
  region: string,
  name: string,
  rows: readonly object[],
): Promise<Unsealed> {
  try {
    return JSON.parse(await invokeFunction(context, region, name, { rows })) as Unsealed
  } catch (error) {
    if (!(error instanceof FunctionFailure)) throw error
    throw new CommandError('query.notUnsealed', error.message, { cause: error })
  }
}
