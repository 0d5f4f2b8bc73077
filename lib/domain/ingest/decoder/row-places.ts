import { minuteOf } from '#lib/domain/kernel/time.ts'
import type { EventLines } from './received-events.ts'

/** Where the accepted rows of a batch came from, by row: in memory that the next batch writes over. */
export class RowPlaces {
  #arrivals = new Float64Array(0)
  #minutes = new Int32Array(0)
  #times = new BigInt64Array(0)
  /** The same memory as `#times`, low half first. */
  #halves = new Int32Array(0)
  #indexes = new Int32Array(0)
  #rowsOfRecord = new Int32Array(0)

  /** Its record says most of it, so that each record is looked at once. */
  of(lines: EventLines, rows: number) {
    const { lineOfRow, recordOf, indexOf, sequences } = lines
    this.#reserve(rows, sequences.length)
    const arrivals = this.#arrivals
    const minutes = this.#minutes
    const halves = this.#halves
    const indexes = this.#indexes
    const rowsOfRecord = this.#rowsOfRecord
    rowsOfRecord.fill(0, 0, sequences.length)
    for (let row = 0; row < rows; ) {
      let line = lineOfRow[row]!
      const record = recordOf[line]!
      const micros = lines.arrivals[record]!
      const minute = minuteOf(micros)
      const low = micros | 0
      const high = Math.floor(micros / 2 ** 32)
      const first = row
      while (row < rows && recordOf[line] === record) {
        arrivals[row] = micros
        minutes[row] = minute
        halves[2 * row] = low
        halves[2 * row + 1] = high
        indexes[row] = indexOf[line]!
        line = lineOfRow[++row]!
      }
      rowsOfRecord[record] = row - first
    }
    return {
      arrivals: arrivals.subarray(0, rows),
      minutes: minutes.subarray(0, rows),
      times: this.#times.subarray(0, rows),
      indexes: indexes.subarray(0, rows),
      rowsOfRecord: rowsOfRecord.subarray(0, sequences.length),
    }
  }

  #reserve(rows: number, records: number): void {
    if (rows > this.#arrivals.length) {
      this.#arrivals = new Float64Array(2 * rows)
      this.#minutes = new Int32Array(2 * rows)
      this.#times = new BigInt64Array(2 * rows)
      this.#halves = new Int32Array(this.#times.buffer)
      this.#indexes = new Int32Array(2 * rows)
    }
    if (records > this.#rowsOfRecord.length) this.#rowsOfRecord = new Int32Array(2 * records)
  }
}
