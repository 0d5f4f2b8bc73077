import { MemoryJournal } from '#lib/adapters/memory/memory-journal.ts'
import { journalContract } from '#test/ports/journal-contract.ts'

journalContract(async () => new MemoryJournal())
