import { type SigningClient, signedFetch } from '#lib/adapters/aws/signed-request.ts'
import type { FeatureValues } from '#lib/domain/features/read-features.ts'
import type { FeatureAnswer, FeatureRequest } from '#lib/domain/features/read-many.ts'
import type { Clock } from '#lib/domain/kernel/clock.ts'
import { PlatformError } from '#lib/domain/kernel/errors.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'

export interface FeatureClientOptions {
  /** Of the function that serves the product: the output `GetFeaturesUrl` of its stack. */
  readonly url: string
  /** Whose region and credentials requests are signed with: any client of the SDK. They need `lambda:InvokeFunctionUrl`. */
  readonly client: SigningClient
  /** How long an answer is given again without asking. 0: never. @default 1000 */
  readonly cacheMs?: number
  /** Answers that are kept, at most; those asked for longest ago go first. @default 10,000 */
  readonly maxCached?: number
  /** Keys that are asked for in one request, at most 1,000. @default 200 */
  readonly maxBatch?: number
  /** @default 5000 */
  readonly timeoutMs?: number
  readonly clock?: Clock
}

const DEFAULTS = { cacheMs: 1_000, maxCached: 10_000, maxBatch: 200, timeoutMs: 5_000 }

interface Waiting {
  readonly request: FeatureRequest
  readonly resolve: (answer: FeatureAnswer) => void
  readonly reject: (error: unknown) => void
}

/**
 * Asks for features. Keys that are asked for in one turn of the event loop go out together, the same key once; answers
 * are given again for a moment. The cache never makes an answer of two: each is one that the function gave.
 */
export class FeatureClient {
  readonly #options: Required<FeatureClientOptions>
  readonly #cache = new Map<
    string,
    { readonly answer: Promise<FeatureAnswer>; readonly untilMs: number }
  >()
  #waiting: Waiting[] = []

  constructor(options: FeatureClientOptions) {
    const clock = { nowMs: () => Date.now() }
    this.#options = { ...DEFAULTS, clock, ...options }
  }

  /** Throws what there is to say of the one key: `features.stale`, `features.unknownView`. */
  async get(view: string, key: string, features?: readonly string[]): Promise<FeatureValues> {
    const answer = await this.#answer({ view, key, ...(features && { features }) })
    if (!('error' in answer)) return answer
    throw new PlatformError(answer.error.code, answer.error.message)
  }

  /** In the order asked for; what is wrong with one is said in its place. */
  async getMany(requests: readonly FeatureRequest[]): Promise<readonly FeatureAnswer[]> {
    return Promise.all(requests.map((request) => this.#answer(request)))
  }

  #answer(request: FeatureRequest): Promise<FeatureAnswer> {
    const { view, key, features } = request
    const id = JSON.stringify([view, key, features ?? null])
    const nowMs = this.#options.clock.nowMs()
    const known = this.#cache.get(id)
    // The newest at the end: what was asked for longest ago is first to go.
    this.#cache.delete(id)
    if (known !== undefined && known.untilMs > nowMs) {
      this.#cache.set(id, known)
      return known.answer
    }
    const answer = new Promise<FeatureAnswer>((resolve, reject) => {
      this.#waiting.push({ request, resolve, reject })
      if (this.#waiting.length === 1) setImmediate(() => this.#send())
    })
    if (this.#options.cacheMs > 0) {
      this.#cache.set(id, { answer, untilMs: nowMs + this.#options.cacheMs })
      // A failure is no answer: the next one asks again.
      answer.catch(() => this.#cache.delete(id))
      for (const oldest of this.#cache.keys()) {
        if (this.#cache.size <= this.#options.maxCached) break
        this.#cache.delete(oldest)
      }
    }
    return answer
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (let at = 0; at < waiting.length; at += this.#options.maxBatch) {
      const some = waiting.slice(at, at + this.#options.maxBatch)
      this.#ask(some.map(({ request }) => request)).then(
        (answers) => {
          for (const [place, { resolve }] of some.entries()) resolve(answers[place]!)
        },
        (error: unknown) => {
          for (const { reject } of some) reject(error)
        },
      )
    }
  }

  async #ask(requests: readonly FeatureRequest[]): Promise<readonly FeatureAnswer[]> {
    const { url, client, timeoutMs } = this.#options
    const { origin, pathname } = new URL(url)
    const response = await signedFetch(client, {
      service: 'lambda',
      endpoint: origin,
      method: 'POST',
      path: pathname,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ requests }),
      timeoutMs,
    })
    const text = await response.text()
    if (response.ok) return (parseExact(text) as { results: readonly FeatureAnswer[] }).results
    throw failureOf(response.status, text)
  }
}

function failureOf(status: number, text: string): PlatformError {
  const retryable = status === 429 || status >= 500
  try {
    const { error } = JSON.parse(text) as { error?: { code: string; message: string } }
    if (error !== undefined) return new PlatformError(error.code, error.message, { retryable })
  } catch {
    // Lambda's own refusals are no documents of ours.
  }
  const code = status === 403 ? 'features.forbidden' : 'features.failed'
  return new PlatformError(code, `the function's URL answered ${status}: ${text.slice(0, 200)}`, {
    retryable,
  })
}
