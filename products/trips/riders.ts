import { createHash } from 'node:crypto'

const RIDERS = 4_096
const CARD = '1'
const FIRST_NAMES = ['Ada', 'Ben', 'Chloé', 'Dev', 'Elif', 'Femi', 'Grace', 'Hugo']
const LAST_NAMES = ['Abara', 'Brandt', 'Costa', 'Demir', 'Evans', 'Fischer', 'García', 'Haddad']
/** Of the numbers that are kept free for fiction: 555-0100 to 555-0199. */
const AREA_CODES = ['212', '332', '347', '646', '718', '917', '929']

/**
 * The rider of a trip, made up: the real trips name nobody. The same row has the same rider, and a rider has some trips
 * of each file, so that there is somebody to erase.
 */
export function riderOf(cells: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const hash = createHash('sha256')
    .update(JSON.stringify(Object.entries(cells).sort()))
    .digest()
  const number = hash.readUInt32BE() % RIDERS
  const first = FIRST_NAMES[number % FIRST_NAMES.length]!
  const last = LAST_NAMES[Math.floor(number / FIRST_NAMES.length) % LAST_NAMES.length]!
  const area = AREA_CODES[number % AREA_CODES.length]!
  const line = String(number % 100).padStart(2, '0')
  return {
    rider_id: `rider-${String(number).padStart(6, '0')}`,
    rider_name: `${first} ${last}`,
    rider_email: `${plain(first)}.${plain(last)}.${number}@example.com`,
    rider_phone: `+1 ${area} 555 01${line}`,
    ...(cells.payment_type === CARD ? { rider_card_token: cardOf(number) } : {}),
  }
}

/** What a payment provider might call the card of a rider. */
function cardOf(number: number): string {
  return `card_${createHash('sha256').update(`card of rider ${number}`).digest('hex').slice(0, 24)}`
}

function plain(name: string): string {
  return name
    .normalize('NFD')
    .replace(/[^A-Za-z]/g, '')
    .toLowerCase()
}
