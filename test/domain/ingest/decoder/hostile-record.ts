import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import type { Contract } from '#lib/domain/contract/contract.ts'
import type { EncodedRecord } from '#lib/domain/ingest/decoder/decoder.ts'
import { sequenceNumber } from '#lib/domain/kernel/sequence-number.ts'
import type { Random } from '#lib/domain/ops/seeded-random.ts'
import { hostileEvent, type Mischief } from './hostile-event.ts'
import { pick } from './random-contract.ts'

/** From harmless to everything at once. */
const MODES: readonly Mischief[] = [
  {},
  {},
  { unusual: 0.1 },
  { producer: 0, odd: 0.002 },
  { producer: 1, odd: 0.002 },
  { producer: 2, unusual: 0.05 },
  { producer: 3 },
  { producer: 4 },
  { producer: 5 },
  { producer: 6 },
  { odd: 0.02 },
  { odd: 0.2 },
  { shuffled: 1 },
  { spaced: 1 },
  { dropped: 0.3 },
  { extra: 0.5 },
  { doubled: 0.4 },
  { escaped: 0.3, unusual: 0.3 },
  {
    odd: 0.05,
    unusual: 0.2,
    shuffled: 0.5,
    spaced: 0.5,
    dropped: 0.2,
    extra: 0.3,
    doubled: 0.2,
    escaped: 0.1,
  },
]

const BYTES = [
  ...[0, 1, 9, 10, 13, 31, 32, 34, 34, 34, 44, 45, 46, 47, 48, 49, 57, 58, 91, 92, 92, 93],
  ...[101, 110, 123, 125, 127, 128, 191, 192, 194, 237, 240, 245, 255],
]
const TAILS = [',', '}', 'x', '\0', '\0\0\0\0\0\0\0\0', '{}', '\ufeff', ' \n']

/** Records of the contract, from good ones to garbage, each with its place; as bytes or as base64. */
export function hostileRecords(
  contract: Contract,
  random: Random,
  count: number,
  firstSequence = 49_000,
): EncodedRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const bytes = hostileBytes(contract, random)
    return {
      sequence: sequenceNumber(String(firstSequence + i)),
      arrivalMicros: 1_700_000_000_000_000 + i * 7_000_000,
      data: random() < 0.5 ? bytes : bytes.toString('base64'),
    }
  })
}

function hostileBytes(contract: Contract, random: Random): Buffer {
  const mischief = pick(random, MODES)
  const one = () =>
    random() < 0.01
      ? pick(random, ['1', 'null', '"x"', '[]', '{}', '[[1]]'])
      : hostileEvent(contract, random, mischief)
  let text = one()
  if (random() < 0.4) {
    const comma = random() < 0.1 ? ' , ' : ','
    text = `[${Array.from({ length: Math.floor(random() * 7) }, one).join(comma)}]`
  }
  if (random() < 0.05) text = ` \n${text}\t`
  if (random() < 0.01) text += pick(random, TAILS)
  if (random() < 0.003) text = `\ufeff${text}`
  const bytes = Buffer.from(text)
  const plain = random() < 0.25 ? damaged(bytes, random) : bytes
  return random() < 0.1 ? compressed(plain, random) : plain
}

function damaged(bytes: Buffer, random: Random): Buffer {
  let result = Buffer.from(bytes)
  for (let times = random() < 0.7 ? 1 : 3; times > 0 && result.length > 0; times--) {
    const at = Math.floor(random() * result.length)
    const what = random()
    if (what < 0.4) result[at] = pick(random, BYTES)
    else if (what < 0.55) result[at] = result[at]! ^ (1 << Math.floor(random() * 8))
    else if (what < 0.7) result = result.subarray(0, at)
    else if (what < 0.85) result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1)])
    else {
      const inserted = Buffer.from([pick(random, BYTES)])
      result = Buffer.concat([result.subarray(0, at), inserted, result.subarray(at)])
    }
  }
  return result
}

function compressed(bytes: Buffer, random: Random): Buffer {
  const whole = pick(random, [
    () => gzipSync(bytes),
    () => zstdCompressSync(bytes),
    () => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
    () => Buffer.concat([zstdCompressSync(bytes), zstdCompressSync(bytes)]),
    () => Buffer.concat([gzipSync(bytes.subarray(0, 5)), gzipSync(bytes.subarray(5))]),
    () => Buffer.concat([gzipSync(bytes), Buffer.alloc(4)]),
    () => zstdCompressSync(zstdCompressSync(bytes)),
  ])()
  if (random() < 0.8) return whole
  return random() < 0.5
    ? whole.subarray(0, Math.floor(random() * whole.length))
    : damaged(whole, random)
}

/** Records whose size is the point: bombs, the largest event, very many events. Each is dear to judge. */
export function hugeRecords(contract: Contract, random: Random): EncodedRecord[] {
  const event = hostileEvent(contract, random, {})
  const padded = (bytes: number) =>
    event.replace('{', `{"pad":"${'x'.repeat(bytes - Buffer.byteLength(event) - 9)}",`)
  const bodies = [
    padded(1 << 20),
    padded((1 << 20) + 1),
    `[${Array.from({ length: 9_999 }, () => '1').join(',')},${event}]`,
    `[${Array.from({ length: 10_000 }, () => '1').join(',')},${event}]`,
    '['.repeat(100_000),
    `[${'[1],'.repeat(5_000)}${event}]`,
    `[${event},${padded(300_000)},${event}]`,
  ]
  const bombs = [
    zstdCompressSync(Buffer.alloc(17 << 20, 0x20)),
    gzipSync(Buffer.alloc(17 << 20, 0x20)),
    zstdCompressSync(Buffer.from(`${event}${' '.repeat(4 << 20)}`)),
    Buffer.alloc((16 << 20) + 1, 0x20),
  ]
  return [...bodies.map((body) => Buffer.from(body)), ...bombs].map((bytes, i) => ({
    sequence: sequenceNumber(String(90_000 + i)),
    arrivalMicros: 1_700_000_000_000_000 + i,
    data: bytes,
  }))
}
