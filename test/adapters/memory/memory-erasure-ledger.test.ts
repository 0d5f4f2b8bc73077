import { MemoryErasureLedger } from '#lib/adapters/memory/memory-erasure-ledger.ts'
import { erasureLedgerContract } from '#test/ports/erasure-ledger-contract.ts'

erasureLedgerContract(async () => new MemoryErasureLedger())
