import type { DecisionDefinition } from '#lib/domain/features/decide/decision.ts'
import type { CsvSource } from '#lib/domain/ingest/csv-mapping.ts'
import type { JsonValue } from '#lib/domain/kernel/json.ts'
import type { ViewDefinition } from '#lib/domain/process/view.ts'
import { isChangeContract } from './change-terms.ts'
import type { Contract } from './contract.ts'
import type { ContractSource } from './contract-source.ts'
import { latestTableName, tableNameOf } from './table-columns.ts'

/** A data product as its folder defines it. */
export interface Product {
  readonly name: string
  /** The newest contract. */
  readonly contract: Contract
  /** The ODCS documents of every version that raw objects may still name, newest last. */
  readonly documents: readonly JsonValue[]
  /** What these documents were read from, in the same order. */
  readonly sources: readonly ContractSource[]
  /** Of its rows: its own, and those that other folders define. */
  readonly views: readonly ViewDefinition[]
  /** What is answered from its views, likewise. */
  readonly decisions: readonly DecisionDefinition[]
  /** How rows of the product's own CSV become events, where it has such a form. */
  readonly csv?: CsvSource
  /** Where it was read from, for messages. */
  readonly files: { readonly directory: string; readonly contract: string }
}

/** The names of the product's curated tables, one per major of its contract, oldest first. */
export function tableNamesOf({ contract, sources }: Product): readonly string[] {
  const contracts = [...sources.map((source) => source.contract), contract]
  return [...new Set(contracts.map((one) => tableNameOf(one)))]
}

/** The names of the tables of its rows' newest changes, one per major that has changes, oldest first. */
export function latestTableNamesOf({ contract, sources }: Product): readonly string[] {
  const contracts = [...sources.map((source) => source.contract), contract]
  return [...new Set(contracts.filter(isChangeContract).map((one) => latestTableName(one)))]
}

/** What a function finds beside its code: the contract versions that raw may name, the views, and the decisions. */
export interface ProductBundle {
  readonly documents: readonly JsonValue[]
  readonly views: readonly ViewDefinition[]
  /** Only beside the function that makes them. */
  readonly decisions?: readonly DecisionDefinition[]
}
