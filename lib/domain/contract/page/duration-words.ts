const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

/** Whole seconds in the greatest unit that holds them exactly: `2 days`, `90 minutes`. */
export function durationWords(seconds: number): string {
  for (const [unit, length] of UNITS) {
    if (seconds > 0 && seconds % length === 0) return counted(seconds / length, unit)
  }
  return counted(seconds, 'second')
}

function counted(count: number, unit: string): string {
  return `${count.toLocaleString('en-US')} ${unit}${count === 1 ? '' : 's'}`
}
