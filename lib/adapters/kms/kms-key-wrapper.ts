import { DecryptCommand, GenerateDataKeyCommand, type KMSClient } from '@aws-sdk/client-kms'
import type { KeyContext, KeyWrapper } from '#lib/domain/privacy/key-table.ts'

/** A symmetric KMS key. Who may only generate with it cannot unwrap. */
export class KmsKeyWrapper implements KeyWrapper {
  readonly #client: KMSClient
  readonly #keyArn: string

  constructor(options: { readonly client: KMSClient; readonly keyArn: string }) {
    this.#client = options.client
    this.#keyArn = options.keyArn
  }

  async generate(context: KeyContext) {
    const answer = await this.#client.send(
      new GenerateDataKeyCommand({
        KeyId: this.#keyArn,
        KeySpec: 'AES_256',
        EncryptionContext: { ...context },
      }),
    )
    return { plaintext: answer.Plaintext!, wrapped: answer.CiphertextBlob! }
  }

  async unwrap(wrapped: Uint8Array, context: KeyContext): Promise<Uint8Array> {
    const answer = await this.#client.send(
      new DecryptCommand({
        KeyId: this.#keyArn,
        CiphertextBlob: wrapped,
        EncryptionContext: { ...context },
      }),
    )
    return answer.Plaintext!
  }
}
