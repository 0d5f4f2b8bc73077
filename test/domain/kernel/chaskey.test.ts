import { expect, it } from 'vitest'
import { Chaskey } from '#lib/domain/kernel/chaskey.ts'

/** Published by the authors: of the bytes 0, 1, 2, … under this key, by rounds and length. */
const KEY = new Uint8Array(Uint32Array.of(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39).buffer)

it.each([
  [12, 0, [0x43cb1f41, 0x51eba0c2, 0xff0a8ac3, 0x7ee3f642]],
  [12, 1, [0xf9ac2067, 0x9c35a846, 0x441aad3d, 0x777b7330]],
  [12, 15, [0x03cfb44b, 0x283c8163, 0xfca71448, 0xc40a0aea]],
  [12, 16, [0x5dd0e2a9, 0xfb5eac8c, 0x633a392e, 0x500c36f3]],
  [12, 17, [0x8b5f6d5a, 0x202314f6, 0x22092368, 0x9639e606]],
  [12, 32, [0x77962784, 0x07c647fa, 0xdd752c0f, 0xd2f5a799]],
  [12, 63, [0x2dd072e1, 0x42b89efe, 0xfb26b615, 0x049aa451]],
  [8, 0, [0x792e8fe5, 0x75ce87aa, 0x2d1450b5, 0x1191970b]],
  [8, 16, [0x79271ca9, 0xd66a1c71, 0x81ca474e, 0x49831cad]],
])('gives what the reference gives with %d rounds for %d bytes', (rounds, length, expected) => {
  const chaskey = new Chaskey(KEY, rounds)

  expect(
    codeOf(
      chaskey,
      Uint8Array.from({ length }, (_, at) => at),
    ),
  ).toEqual(expected)
})

it('does not depend on the message before, however much longer that was', () => {
  const used = new Chaskey(KEY)
  codeOf(used, new Uint8Array(10_000).fill(0xff))

  const message = Uint8Array.of(1, 2, 3)
  expect(codeOf(used, message)).toEqual(codeOf(new Chaskey(KEY), message))
})

it('refuses a key of another length', () => {
  expect(() => new Chaskey(new Uint8Array(32))).toThrow('a key has 16 bytes')
})

function codeOf(chaskey: Chaskey, message: Uint8Array): number[] {
  const view = chaskey.messageOf(message.length)
  for (const [at, byte] of message.entries()) view.setUint8(at, byte)
  const code = new Int32Array(4)
  chaskey.write(message.length, code, 0)
  return [...new Uint32Array(code.buffer)]
}
