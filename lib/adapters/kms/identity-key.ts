import { GenerateMacCommand, type KMSClient } from '@aws-sdk/client-kms'

/** Never change: another label would be another identity for every event. */
const IDENTITY_LABEL = 'weir event identity v1'
const LOOKUP_LABEL = 'weir subject lookup v1'

/**
 * The cell's identity key, 32 bytes, derived from its KMS HMAC key: the same for ever, known to nobody outside
 * the functions that may ask, and one call per cold start.
 */
export function deriveIdentityKey(client: KMSClient, keyArn: string): Promise<Uint8Array> {
  return derived(client, keyArn, IDENTITY_LABEL)
}

/** The key by which the cell's key table names people, derived from the same KMS key likewise. */
export function deriveLookupKey(client: KMSClient, keyArn: string): Promise<Uint8Array> {
  return derived(client, keyArn, LOOKUP_LABEL)
}

async function derived(client: KMSClient, keyArn: string, label: string): Promise<Uint8Array> {
  const answer = await client.send(
    new GenerateMacCommand({
      KeyId: keyArn,
      MacAlgorithm: 'HMAC_SHA_256',
      Message: new TextEncoder().encode(label),
    }),
  )
  return answer.Mac!
}
