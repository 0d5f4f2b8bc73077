import { MemoryKeyTable } from '#lib/adapters/memory/memory-key-table.ts'
import { keyTableContract } from '#test/ports/key-table-contract.ts'

keyTableContract(async () => new MemoryKeyTable())
