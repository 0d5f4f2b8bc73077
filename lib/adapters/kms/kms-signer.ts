import {
  type KMSClient,
  KMSInvalidSignatureException,
  SignCommand,
  VerifyCommand,
} from '@aws-sdk/client-kms'
import type { CertificateSigner } from '#lib/domain/privacy/certificate.ts'

const HOW = { SigningAlgorithm: 'ECDSA_SHA_256', MessageType: 'RAW' } as const

/** An asymmetric KMS key: it signs, and anybody with its public half can tell. */
export class KmsSigner implements CertificateSigner {
  readonly #client: KMSClient
  readonly #keyArn: string

  constructor(options: { readonly client: KMSClient; readonly keyArn: string }) {
    this.#client = options.client
    this.#keyArn = options.keyArn
  }

  async sign(message: string): Promise<string> {
    const answer = await this.#client.send(
      new SignCommand({ KeyId: this.#keyArn, Message: Buffer.from(message), ...HOW }),
    )
    return Buffer.from(answer.Signature!).toString('base64')
  }

  async verifies(message: string, signature: string): Promise<boolean> {
    try {
      const answer = await this.#client.send(
        new VerifyCommand({
          KeyId: this.#keyArn,
          Message: Buffer.from(message),
          Signature: Buffer.from(signature, 'base64'),
          ...HOW,
        }),
      )
      return answer.SignatureValid === true
    } catch (error) {
      if (error instanceof KMSInvalidSignatureException) return false
      throw error
    }
  }
}
