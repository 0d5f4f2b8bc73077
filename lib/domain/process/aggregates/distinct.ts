import type { Field } from '#lib/domain/contract/contract.ts'
import type { Aggregate } from './aggregate.ts'
import { columnTokens } from './column-tokens.ts'
import { codesByGroup, columnOf, groupsOfValues } from './grouped-rows.ts'
import {
  cardinality,
  denseBytes,
  EMPTY,
  isSketch,
  mergeSketches,
  packRegisters,
  type Sketch,
  sketchOf,
  unpackRegisters,
} from './hyperloglog.ts'
import {
  bytesFromStored,
  bytesToStored,
  readStored,
  type StoredForm,
  writeStored,
} from './stored-state.ts'

export const PRECISIONS = { least: 4, greatest: 14, default: 11 } as const

/**
 * The number of distinct values, estimated: 2^precision registers have a standard error of 1.04 / √registers; up to
 * 3/16 as many values as there are registers are counted as they are.
 */
export function distinctAggregate(
  name: string,
  field: Field,
  precision: number,
): Aggregate<Sketch> {
  const form = formOf(precision)
  return {
    columns: [field.name],
    create: () => EMPTY,
    addBatch(batch, groups, groupCount) {
      const column = columnOf(batch, field.name)
      const present = groupsOfValues(column, groups)
      const { codes, starts } = codesByGroup(columnTokens(column, present), present, groupCount)
      return Array.from({ length: groupCount }, (_, group) =>
        sketchOf(codes.subarray(starts[group], starts[group + 1]), precision),
      )
    },
    merge: (a, b) => mergeSketches(a, b, precision),
    finish: cardinality,
    toStored: (state) => writeStored(form, state),
    fromStored: (stored) => readStored(name, form, stored),
    maxStoredBytes: 4 * Math.ceil(denseBytes(precision) / 3) + 40,
    resultType: { kind: 'long' },
    error: { kind: 'relativeStandardError', bound: 1.04 / Math.sqrt(2 ** precision) },
  }
}

/** The tokens (`s`) or the registers (`d`). */
function formOf(precision: number): StoredForm<Sketch> {
  const tag = `distinct/1:${precision}`
  return {
    tag,
    write: (sketch) =>
      'tokens' in sketch
        ? ['s', bytesToStored(bytesOf(sketch.tokens))]
        : ['d', bytesToStored(packRegisters(sketch.registers))],
    readers: {
      [tag]([kind, text]) {
        const bytes = bytesFromStored(text)
        const sketch =
          bytes && (kind === 's' ? tokensOf(bytes) : kind === 'd' && registersOf(bytes))
        return sketch && isSketch(sketch, precision) ? sketch : undefined
      },
    },
  }
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function tokensOf(bytes: Uint8Array<ArrayBuffer>): Sketch | undefined {
  return bytes.length % 4 === 0 ? { tokens: new Uint32Array(bytes.buffer) } : undefined
}

function registersOf(bytes: Uint8Array): Sketch | undefined {
  return bytes.length % 3 === 0 ? { registers: unpackRegisters(bytes) } : undefined
}
