/** What a client of an AWS service throws once it has given up repeating. */
export class ServiceError extends Error {
  readonly $fault: 'client' | 'server'
  readonly $metadata: { readonly httpStatusCode?: number }
  /** Whether the simulation made it happen, so that the code is not to blame. */
  readonly isInjected: boolean

  constructor(
    name: string,
    status: number | undefined,
    options: { readonly isInjected?: boolean } = {},
  ) {
    super(name)
    this.name = name
    this.$fault = status !== undefined && status < 500 ? 'client' : 'server'
    this.$metadata = status === undefined ? {} : { httpStatusCode: status }
    this.isInjected = options.isInjected ?? false
  }
}

/** An error as a service answers it: where in its model it was made tells nothing, and takes longer than the call. */
export function withoutStack<Made extends Error>(make: () => Made): Made {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return make()
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** What a service refuses with. */
export function refusal(name: string, status: number): ServiceError {
  return withoutStack(() => new ServiceError(name, status))
}

export type Service = 's3' | 'dynamodb' | 'glue' | 'kinesis'

const THROTTLED: Readonly<Record<Service, readonly [string, number]>> = {
  s3: ['SlowDown', 503],
  dynamodb: ['ProvisionedThroughputExceededException', 400],
  glue: ['ThrottlingException', 400],
  kinesis: ['ProvisionedThroughputExceededException', 400],
}

export function throttled(service: Service): ServiceError {
  const [name, status] = THROTTLED[service]
  return withoutStack(() => new ServiceError(name, status, { isInjected: true }))
}

export function unavailable(): ServiceError {
  return withoutStack(() => new ServiceError('ServiceUnavailable', 503, { isInjected: true }))
}

/** No answer came: the call may have been applied, or may be later. */
export function noAnswer(): ServiceError {
  return withoutStack(() => new ServiceError('TimeoutError', undefined, { isInjected: true }))
}

/** Whether a fault of the simulation is at the bottom of this error. */
export function isInjected(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof ServiceError && one.isInjected) return true
  }
  return false
}

/** Whether an error is one that a service answers with. */
export function isAnswer(error: unknown): boolean {
  return error instanceof Error && '$metadata' in error
}
