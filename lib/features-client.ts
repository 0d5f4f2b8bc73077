/** The client of features, for programs that ask a cell for them. Nothing else of the project is needed for it. */
export { FeatureClient, type FeatureClientOptions } from './adapters/http/feature-client.ts'
export type { FeatureValues } from './domain/features/read-features.ts'
export type { FeatureAnswer, FeatureFailure, FeatureRequest } from './domain/features/read-many.ts'
export { hasCode, PlatformError } from './domain/kernel/errors.ts'
