/**
 * Values that generated source refers to: it names them `k0`, `k1`, ... and nothing of a contract ever becomes
 * source text but numbers, so that no name, pattern or literal of a contract can become code.
 */
export class Bindings {
  readonly #names = new Map<unknown, string>()

  /** The name under which the source finds this value. */
  use(value: unknown): string {
    let name = this.#names.get(value)
    if (name === undefined) {
      name = `k${this.#names.size}`
      this.#names.set(value, name)
    }
    return name
  }

  /**
   * Compiles a function body that returns what is wanted. `environment` is what every source may use by name.
   * The bindings become constants, which the engine builds into the machine code. Throws `EvalError` where the
   * process does not allow code from strings.
   */
  compile<Result>(body: string, environment: Readonly<Record<string, unknown>>): Result {
    const values: Record<string, unknown> = { ...environment }
    for (const [value, name] of this.#names) values[name] = value
    const source = `"use strict";const {${Object.keys(values).join(',')}}=O;\n${body}`
    const make = new Function('O', source) as (values: Record<string, unknown>) => Result
    return make(values)
  }
}

/** Source text: whether the bytes at a place are others than these. Compares words, the last one overlapping. */
export function emitMismatch(bytes: Uint8Array, at: string): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const parts: string[] = []
  const word = (i: number) => `dv.getInt32(${at}+${i},true)!==${view.getInt32(i, true)}`
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) parts.push(word(i))
  if (i < bytes.length && bytes.length >= 4) parts.push(word(bytes.length - 4))
  else for (; i < bytes.length; i++) parts.push(`b[${at}+${i}]!==${bytes[i]}`)
  return parts.join('||')
}
