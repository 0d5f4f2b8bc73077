import { IDENTITY_WORDS } from './identity.ts'
import { identityWords, NEVER } from './identity-set.ts'
import type { AdmittedBefore } from './judge.ts'
import type { BatchVerdicts } from './verdicts-object.ts'

/**
 * Makes a judge admit exactly what the archive admitted of a batch: whatever it did not admit has been there before, at
 * whatever time.
 */
export function admittedAgain(
  verdicts: Pick<BatchVerdicts, 'identities' | 'arrivalMinutes'>,
): AdmittedBefore {
  const textOf = (words: Int32Array, row: number, minute: number) =>
    `${words.subarray(row * IDENTITY_WORDS, (row + 1) * IDENTITY_WORDS).join()},${minute}`
  const admittedWords = identityWords(verdicts.identities)
  const admitted = new Set<string>()
  for (const [row, minute] of verdicts.arrivalMinutes.entries()) {
    admitted.add(textOf(admittedWords, row, minute))
  }
  return {
    admittedMinutes: (identities, count, arrivalMinutes) =>
      Int32Array.from({ length: count }, (_, row) => {
        const minute = arrivalMinutes[row]!
        return admitted.has(textOf(identities, row, minute)) ? NEVER : minute
      }),
  }
}
