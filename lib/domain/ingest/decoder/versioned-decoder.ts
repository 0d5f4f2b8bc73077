import type { Contract } from '#lib/domain/contract/contract.ts'
import type { ContractsInForce } from '#lib/domain/contract/contract-versions.ts'
import { rejectedVersion, sumUnknownFields } from '../decode-by-version.ts'
import type { RawEvent, ReceivedEvent } from '../raw-event.ts'
import { createDecoder } from './create-decoder.ts'
import { type DecodedRecords, type Rejection, rejectionOf } from './decoded-records.ts'
import type { BatchContext, Decoder, EncodedRecord, RecordsContext } from './decoder.ts'
import type { ReceivedEvents } from './received-events.ts'

/**
 * What a batch holds and what the contracts in force say of each event: every one is a row of one part or rejected. It
 * lies in the decoders' memory: it is valid until they are used again.
 */
export interface VersionedRecords {
  /** How many of the records given were taken: the first ones, at least one. */
  readonly taken: number
  readonly received: ReceivedEvents
  /** By the contract that judged them, at least one; in the order of the majors. */
  readonly parts: readonly RecordsPart[]
  /** Of all parts, in place order. */
  readonly rejected: readonly Rejection[]
  /** What was sent that no contract knows, by name, with the number of events. */
  readonly unknownFields: ReadonlyMap<string, number>
  readonly unknownVersions: ReadonlyMap<string, number>
}

export interface RecordsPart {
  readonly contract: Contract
  readonly decoded: DecodedRecords
  /** The line, among all that were received, of each accepted row. */
  readonly lineOfRow: Int32Array
  /** By such lines, too. */
  readonly rejected: readonly Rejection[]
}

/** Versions whose decoders are kept: the newest, and during a deployment the one before it. */
const MAX_VERSIONS_KEPT = 2

/**
 * The decoders of one product: each event is judged by the contract of the major that it declares. Of a batch in one
 * major nothing but columns is made; what declares another is read again, by the decoder of that one.
 */
export class VersionedDecoder {
  readonly #decoders = new Map<ContractsInForce, Map<Contract, Decoder>>()

  /** {@link Decoder.decodeRecords} */
  decodeRecords(
    inForce: ContractsInForce,
    records: readonly EncodedRecord[],
    context: RecordsContext,
  ): VersionedRecords {
    const contract = undeclared(inForce)
    const decoded = this.#decoder(inForce, contract).decodeRecords(records, context)
    return this.#versioned(inForce, contract, decoded, context)
  }

  /** {@link Decoder.decodeEvents} */
  decodeEvents(
    inForce: ContractsInForce,
    events: readonly RawEvent[],
    context: BatchContext,
  ): VersionedRecords {
    const contract = undeclared(inForce)
    const decoded = this.#decoder(inForce, contract).decodeEvents(events, context)
    return this.#versioned(inForce, contract, decoded, context)
  }

  #versioned(
    inForce: ContractsInForce,
    contract: Contract,
    decoded: DecodedRecords,
    context: BatchContext,
  ): VersionedRecords {
    const { taken, events: received, elsewhere, declared } = decoded
    const linesOf = new Map<Contract, number[]>()
    const unknown: Rejection[] = []
    const unknownVersions = new Map<string, number>()
    for (const [i, line] of elsewhere.entries()) {
      const judge = inForce.judgeOf(declared[i])
      if (judge === undefined) {
        const event = received.at(line) as ReceivedEvent
        unknown.push(rejectionOf(line, rejectedVersion(event, declared[i]!, unknownVersions)))
        continue
      }
      const lines = linesOf.get(judge)
      if (lines === undefined) linesOf.set(judge, [line])
      else lines.push(line)
    }
    const { lineOfRow, rejected } = decoded
    const own: RecordsPart = { contract, decoded, lineOfRow, rejected }
    const hasOwn = elsewhere.length < received.length || linesOf.size === 0
    const parts = inForce.majors.flatMap((major): RecordsPart[] => {
      if (major === contract) return hasOwn ? [own] : []
      const lines = linesOf.get(major)
      if (lines === undefined) return []
      const other = this.#decoder(inForce, major).decodeLines(received, lines, context)
      return [
        {
          contract: major,
          decoded: other,
          lineOfRow: other.lineOfRow.map((line) => lines[line]!),
          rejected: other.rejected.map((one) => ({ ...one, line: lines[one.line]! })),
        },
      ]
    })
    return {
      taken,
      received,
      parts,
      rejected: inOrder(inForce, parts, unknown),
      unknownFields: sumUnknownFields(parts),
      unknownVersions,
    }
  }

  #decoder(inForce: ContractsInForce, contract: Contract): Decoder {
    const ofVersion = this.#decodersOf(inForce)
    let decoder = ofVersion.get(contract)
    if (decoder === undefined) {
      const isUndeclared = contract === undeclared(inForce)
      const judges = (dataschema: string) => inForce.judgeOf(dataschema) === contract
      decoder = createDecoder(contract, isUndeclared ? { judges } : {})
      ofVersion.set(contract, decoder)
    }
    return decoder
  }

  #decodersOf(inForce: ContractsInForce): Map<Contract, Decoder> {
    const known = this.#decoders.get(inForce) ?? new Map<Contract, Decoder>()
    this.#decoders.delete(inForce)
    this.#decoders.set(inForce, known)
    const oldest = this.#decoders.keys().next().value
    if (this.#decoders.size > MAX_VERSIONS_KEPT && oldest !== undefined) {
      this.#decoders.delete(oldest)
    }
    return known
  }
}

/** All rejections by line, each with the version that judged it, where that is not the one that raw names. */
function inOrder(
  inForce: ContractsInForce,
  parts: readonly RecordsPart[],
  unknown: readonly Rejection[],
): readonly Rejection[] {
  const judged = parts.map(({ contract: { version }, rejected }) =>
    version === inForce.named.version
      ? rejected
      : rejected.map((one) => ({ contractVersion: version, ...one })),
  )
  if (judged.length === 1 && unknown.length === 0) return judged[0]!
  return [...unknown, ...judged.flat()].sort((a, b) => a.line - b.line)
}

/** Who judges an event that declares nothing: most do not, so its decoder is the first to read. */
function undeclared(inForce: ContractsInForce): Contract {
  return inForce.judgeOf(undefined) ?? inForce.named
}
