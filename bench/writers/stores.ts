import type { TableName } from '#lib/domain/lake/catalog.ts'
import type { DataFile } from '#lib/domain/lake/data-file.ts'
import type { Lake } from '#lib/domain/lake/table.ts'

/** How many files of each writer are in the table. */
export type Fence = Readonly<Record<string, number>>

/** Where writers leave what they have written for whoever commits it. */
export interface WriterJournal {
  append(writer: number, at: number, files: readonly DataFile[]): Promise<void>
  /** What lies past the fence, and the fence behind it. */
  past(fence: Fence, writers: number): Promise<HandedOver>
}

export interface HandedOver {
  readonly files: readonly DataFile[]
  readonly reached: Fence
}

export interface WriterStores {
  readonly lake: Lake
  /** The table that they write to, and where it lies. */
  readonly name: TableName
  readonly location: string
  readonly journal: WriterJournal
}
