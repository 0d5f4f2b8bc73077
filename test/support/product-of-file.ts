import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ContractSource, contractSource } from '#lib/domain/contract/contract-source.ts'
import type { PageProduct } from '#lib/domain/contract/page/page-product.ts'
import { root } from './weir.ts'

/** A contract's file as a product of one version and without views. */
export function productOfFile(file: string): PageProduct {
  const source = contractSource(readFileSync(join(root, file), 'utf8'), file)
  if (source === undefined) throw new Error(`${file} is no valid contract`)
  return { name: source.contract.product, sources: [source satisfies ContractSource], views: [] }
}
