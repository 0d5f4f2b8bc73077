import type { Journal, JournalEntry } from '#lib/domain/ingest/journal.ts'
import { type ProductLayout, rawPrefix } from '#lib/domain/ingest/layout.ts'
