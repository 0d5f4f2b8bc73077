/** Whole numbers as bytes of seven bits, the last ones first: small ones take one byte. */
export function writeVarints(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(values.length * 8)
  let length = 0
  for (let at = 0; at < values.length; at++) {
    let rest = values[at]!
    while (rest >= 0x80) {
      bytes[length++] = (rest % 0x80) + 0x80
      rest = Math.floor(rest / 0x80)
    }
    bytes[length++] = rest
  }
  return bytes.slice(0, length)
}

/** Undefined where the bytes are no such numbers. */
export function readVarints(bytes: Uint8Array): number[] | undefined {
  const values: number[] = []
  let value = 0
  let unit = 1
  for (const byte of bytes) {
    value += (byte & 0x7f) * unit
    if (!Number.isSafeInteger(value)) return undefined
    if (byte >= 0x80) unit *= 0x80
    else {
      values.push(value)
      value = 0
      unit = 1
    }
  }
  return unit === 1 ? values : undefined
}
