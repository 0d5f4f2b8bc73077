import { GenerateMacCommand, type KMSClient } from '@aws-sdk/client-kms'

/** Never change: another label would be another identity for every event. */
const LABEL = new TextEncoder().encode('weir event identity v1')

/**
 * The cell's identity key, 32 bytes, derived from its KMS HMAC key: the same for ever, known to nobody outside
 * the functions that may ask, and one call per cold start.
 */
export async function deriveIdentityKey(client: KMSClient, keyArn: string): Promise<Uint8Array> {
  const answer = await client.send(
    new GenerateMacCommand({ KeyId: keyArn, MacAlgorithm: 'HMAC_SHA_256', Message: LABEL }),
  )
  return answer.Mac!
}
