import type { CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import type { Contract } from './contract.ts'

/** A data product as its folder defines it. */
export interface Product {
  readonly name: string
  /** The newest contract. */
  readonly contract: Contract
  /** The ODCS documents of every version that raw objects may still name, newest last. */
  readonly documents: readonly JsonValue[]
  readonly views: readonly ViewDefinition[]
  /** How rows of the product's own CSV become events, where it has such a form. */
  readonly csv?: CsvSource
  /** Where it was read from, for messages. */
  readonly files: { readonly directory: string; readonly contract: string }
}

/** What a function finds beside its code: the contract versions that raw may name, and the views. */
export interface ProductBundle {
  readonly documents: readonly JsonValue[]
  readonly views: readonly ViewDefinition[]
}
