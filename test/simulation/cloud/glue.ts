import type { GlueClient, TableInput } from '@aws-sdk/client-glue'
import type { Network } from './network.ts'
import type { Process } from './process.ts'
import { refusal } from './service-errors.ts'

export interface TableChange {
  readonly table: string
  /** Where the metadata stood before and stands now. */
  readonly before: string | undefined
  readonly after: string
  /** When the invocation began that sent it: what it knows of the world is no older. */
  readonly plannedMs: number
  /** Whether a call of that invocation was refused or lost, so that it may have known less than there was to know. */
  readonly hasMetFault: boolean
}

interface StoredTable {
  readonly version: number
  readonly input: TableInput
}

interface GlueInput {
  readonly DatabaseName: string
  readonly Name?: string
  readonly TableInput?: TableInput
  readonly VersionId?: string
}

/** The Glue Data Catalog as it is documented: an update with a version that is not the current one is refused. */
export class GlueModel {
  readonly #network: Network
  readonly #onChange: (change: TableChange) => void
  readonly #tables = new Map<string, StoredTable>()

  constructor(options: {
    readonly network: Network
    readonly onChange: (change: TableChange) => void
  }) {
    this.#network = options.network
    this.#onChange = options.onChange
  }

  /** A client of one process. */
  client(process: Process): GlueClient {
    const send = async (command: { readonly input: unknown }) => {
      const kind = command.constructor.name.replace('Command', '')
      const input = command.input as GlueInput
      const name = `${input.DatabaseName}.${input.Name ?? input.TableInput?.Name}`
      return this.#network.send(process, {
        service: 'glue',
        operation: kind,
        target: input.VersionId === undefined ? name : `${name} if version ${input.VersionId}`,
        isWrite: kind !== 'GetTable',
        apply: () => this.#apply(kind, name, input, process),
      })
    }
    return { send } as unknown as GlueClient
  }

  /** Where a table's metadata stands, for checks. */
  metadataLocation(name: string): string | undefined {
    return this.#tables.get(name)?.input.Parameters?.metadata_location
  }

  #apply(kind: string, name: string, input: GlueInput, process: Process): object {
    const known = this.#tables.get(name)
    switch (kind) {
      case 'GetTable':
        if (known === undefined) throw refusal('EntityNotFoundException', 400)
        return { Table: { ...known.input, VersionId: String(known.version) } }
      case 'CreateTable':
        if (known !== undefined) throw refusal('AlreadyExistsException', 400)
        this.#store(name, 0, input.TableInput!, process)
        return {}
      case 'UpdateTable':
        if (known === undefined) throw refusal('EntityNotFoundException', 400)
        if (input.VersionId !== undefined && input.VersionId !== String(known.version)) {
          throw refusal('ConcurrentModificationException', 400)
        }
        this.#store(name, known.version + 1, input.TableInput!, process)
        return {}
      case 'DeleteTable':
        if (!this.#tables.delete(name)) throw refusal('EntityNotFoundException', 400)
        return {}
      default:
        throw new Error(`the model of Glue knows no ${kind}`)
    }
  }

  #store(table: string, version: number, input: TableInput, process: Process): void {
    const before = this.metadataLocation(table)
    // Whoever reads it must not be able to change it.
    this.#tables.set(table, { version, input: frozen(input) })
    const after = input.Parameters!.metadata_location!
    const { invokedMs: plannedMs, hasMetFault } = process
    this.#onChange({ table, before, after, plannedMs, hasMetFault })
  }
}

function frozen<T extends object>(value: T): T {
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name,
      typeof part === 'object' && part !== null && !Array.isArray(part) ? frozen(part) : part,
    ]),
  )
  return Object.freeze(copy) as T
}
