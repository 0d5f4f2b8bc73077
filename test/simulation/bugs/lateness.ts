import type { PlantedBug } from '../plant.ts'

const ROWS = 'lib/domain/process/entry-rows.ts'
const LATENESS = 'lib/domain/process/lateness.ts'
const UPDATE = 'lib/domain/process/update-windows.ts'
const TOUCHED = 'lib/domain/process/touched-slots.ts'
const WINDOW = 'lib/domain/process/window.ts'

/** What can be wrong with who is late, and with the pane that an event is in. */
export const latenessBugs: readonly PlantedBug[] = [
  {
    name: 'late by what the batch begins with',
    file: ROWS,
    search: 'return greatest === undefined || capped > greatest ? capped : greatest',
    replace: 'return greatest as number',
    within: 20,
  },
  {
    name: 'late by what the batch ends with',
    file: ROWS,
    search: 'const before = entry.maxEventTimeBefore',
    replace: 'const before = entry.maxEventTimeAfter',
    within: 20,
  },
  {
    name: 'late by an event from the future',
    file: ROWS,
    search: 'const capped = Math.min(time, cap)',
    replace: 'const capped = time',
    within: 20,
  },
  {
    name: 'what came long after its window is not late',
    file: LATENESS,
    search:
      'return Math.max(watermark, arrival - lateness.stateRetention) >= end + lateness.allowed',
    replace: 'return watermark >= end + lateness.allowed',
    within: 20,
  },
  {
    name: 'late only past the last moment',
    file: LATENESS,
    search: '>= end + lateness.allowed',
    replace: '> end + lateness.allowed',
    within: 2000,
  },
  {
    name: 'late without the allowed lateness',
    file: LATENESS,
    search: '>= end + lateness.allowed',
    replace: '>= end',
    within: 20,
  },
  {
    name: 'the batch is not looked through for late rows',
    file: LATENESS,
    search: 'return isLate(lateness, endOf(eventTime.min), maxEventTimeAfter, arrival.max)',
    replace: 'return isLate(lateness, endOf(eventTime.max), maxEventTimeAfter, arrival.max)',
    within: 20,
  },
  {
    name: 'late rows are written again under another name',
    file: UPDATE,
    search:
      'await run.objects.put(lateUri(run.layout, run.name, entry, run.generation), encoded.bytes)',
    replace:
      "await run.objects.put(lateUri(run.layout, run.name, entry, run.generation).replace('.parquet', '-' + run.clock.nowMs() + '.parquet'), encoded.bytes)",
    within: 20,
  },
  {
    name: 'a single late row is not worth a file',
    file: UPDATE,
    search: 'reading.late.length === 0) continue',
    replace: 'reading.late.every(({ rows }) => rows.length < 2)) continue',
    within: 20,
  },
  {
    name: 'late rows are on their way when the cursor moves',
    file: UPDATE,
    search:
      'await run.objects.put(lateUri(run.layout, run.name, entry, run.generation), encoded.bytes)',
    replace:
      'void run.objects.put(lateUri(run.layout, run.name, entry, run.generation), encoded.bytes).catch(() => undefined)',
    within: 20,
  },
  {
    name: 'only one key of a pane is noted',
    file: UPDATE,
    search: 'await addMembers(run, touched, absent)',
    replace: 'await addMembers(run, touched, absent.slice(0, 1))',
    within: 20,
  },
  {
    name: 'keys are noted after their slots',
    file: UPDATE,
    search: 'await addMembers(run, touched, absent)',
    replace: 'void addMembers(run, touched, absent).catch(() => undefined)',
    within: 20,
  },
  {
    name: 'an event at the end of a pane is in it',
    file: 'lib/domain/process/keyed-panes.ts',
    search: 'time < start + width',
    replace: 'time <= start + width',
    within: 200,
  },
  {
    name: 'panes are not shifted',
    file: WINDOW,
    search: 'return Math.floor((eventTime - offset) / width) * width + offset',
    replace: 'return Math.floor(eventTime / width) * width',
    within: 20,
  },
  {
    name: 'of sliding windows the last one is left out',
    file: WINDOW,
    search: 'at + size >= start + width; at -= slide',
    replace: 'at + size > start + width; at -= slide',
    within: 20,
  },
  {
    name: 'a slot is as old as what was added last',
    file: TOUCHED,
    search: 'min = Math.min(min, stored.eventTime.min)',
    replace: 'min = Math.max(min, stored.eventTime.min)',
    within: 20,
  },
  {
    name: 'only the first sub-slot is read',
    file: 'lib/adapters/dynamodb/dynamodb-slot-store.ts',
    search:
      'const found = await inParallel(this.#partitions(view, key), WRITES_AT_ONCE, async (pk) => {',
    replace:
      'const found = await inParallel(this.#partitions(view, key).slice(0, 1), WRITES_AT_ONCE, async (pk) => {',
    within: 50,
  },
]
