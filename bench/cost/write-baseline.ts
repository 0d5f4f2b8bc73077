// Run when a change of what the lake path costs is meant: `node bench/cost/write-baseline.ts`, and say why in the commit.
import { writeFileSync } from 'node:fs'
import { BASELINE_FILE, countBaseline } from './baseline.ts'

writeFileSync(BASELINE_FILE, `${JSON.stringify(await countBaseline(), undefined, 2)}\n`)
