/** Why a number's text is not a value of the wanted type. */
export type DecimalProblem = 'notNumber' | 'tooPrecise' | 'outOfRange'

const NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/
// An unscaled value is one 64-bit integer: 19 digits are the most that can matter.
const MAX_DIGITS = 19

/**
 * The exact value of a JSON number's text times 10^scale. `tooPrecise` if digits would be lost (zeros are not
 * lost), `outOfRange` if it has more than 19 digits. Linear in the text, whatever the exponent.
 */
export function unscaledOf(text: string, scale: number): bigint | DecimalProblem {
  const match = NUMBER.exec(text)
  if (match === null) return 'notNumber'
  const [, sign, whole, fraction = '', exponent = '0'] = match
  const padded = `${whole}${fraction}`
  const digits = stripZeros(padded)
  if (digits.text === '') return 0n
  // value = digits x 10^power, and digits ends in another digit than 0
  const power = Number(exponent) - fraction.length + digits.strippedAtEnd + scale
  if (power < 0) return 'tooPrecise'
  if (digits.text.length + power > MAX_DIGITS) return 'outOfRange'
  const value = BigInt(digits.text) * 10n ** BigInt(power)
  return sign === '-' ? -value : value
}

/** The decimal text of an unscaled value, with exactly `scale` fractional digits. */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  if (scale === 0) return `${sign}${digits}`
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

function stripZeros(digits: string): { text: string; strippedAtEnd: number } {
  let start = 0
  while (start < digits.length && digits[start] === '0') start++
  let end = digits.length
  while (end > start && digits[end - 1] === '0') end--
  return { text: digits.slice(start, end), strippedAtEnd: digits.length - end }
}
