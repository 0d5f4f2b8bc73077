const MILLIS_PER_DAY = 86_400_000

/** A date without a time, as days since 1970-01-01. As JSON it is `YYYY-MM-DD`. */
export class CalendarDate {
  readonly days: number

  constructor(days: number) {
    this.days = days
  }

  toString(): string {
    const text = new Date(this.days * MILLIS_PER_DAY).toISOString()
    return text.slice(0, text.indexOf('T'))
  }

  toJSON(): string {
    return this.toString()
  }
}

/** A point in time, UTC microseconds since the epoch, exact also where a double is not. As JSON it is RFC 3339. */
export class Timestamp {
  readonly micros: bigint

  constructor(micros: bigint) {
    this.micros = micros
  }

  toString(): string {
    const fraction = ((this.micros % 1_000_000n) + 1_000_000n) % 1_000_000n
    const seconds = new Date(Number((this.micros - fraction) / 1000n)).toISOString().slice(0, -5)
    return `${seconds}.${String(fraction).padStart(6, '0')}Z`
  }

  toJSON(): string {
    return this.toString()
  }
}
