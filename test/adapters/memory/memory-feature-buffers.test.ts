import { describe } from 'vitest'
import { MemoryFeatureBuffers } from '#lib/adapters/memory/memory-feature-buffers.ts'
import { MemoryPublicationStore } from '#lib/adapters/memory/memory-publication-store.ts'
import { featureBuffersContract } from '#test/ports/feature-buffers-contract.ts'
import { publicationStoreContract } from '#test/ports/publication-store-contract.ts'

describe('buffers', () => featureBuffersContract(async () => new MemoryFeatureBuffers()))
describe('publications', () => publicationStoreContract(async () => new MemoryPublicationStore()))
