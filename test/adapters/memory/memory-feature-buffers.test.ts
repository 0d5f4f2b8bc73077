import { describe } from 'vitest'
import { MemoryFeatureAudit } from '#lib/adapters/memory/memory-feature-audit.ts'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import { featureAuditContract } from '#test/ports/feature-audit-contract.ts'
import { featureBuffersContract } from '#test/ports/feature-buffers-contract.ts'
import { publicationStoreContract } from '#test/ports/publication-store-contract.ts'

describe('buffers', () => featureBuffersContract(async () => new MemoryFeatureBuffers()))
describe('records', () => featureAuditContract(async () => new MemoryFeatureAudit()))
describe('publications', () => publicationStoreContract(async () => new MemoryPublicationStore()))
