import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pc from 'picocolors'

interface Step {
  readonly name: string
  /** A package's own script, run with this Node. */
  readonly script: string
  readonly args: readonly string[]
}

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const VITEST = join(modules, 'vitest', 'vitest.mjs')

const CHECKS: readonly Step[] = [
  {
    name: 'format and lint',
    script: join(modules, '@biomejs', 'biome', 'bin', 'biome'),
    args: ['check', '.'],
  },
  { name: 'types', script: join(modules, 'typescript', 'bin', 'tsc'), args: ['--noEmit'] },
]

/** What needs nothing deployed comes first: the cheapest failure is found soonest. */
const PROJECTS = ['unit', 'local', 'integration'] as const

const SIMULATION: Step = {
  name: 'simulation',
  script: join(root, 'scripts', 'sim.ts'),
  args: ['--seeds', '1000', '--workers', '2'],
}

/** Runs the steps in order and stops at the first that fails. With a filter only the tests that match it run. */
async function main(filter: readonly string[]): Promise<number> {
  const [unit, ...deployed] = PROJECTS.map((project): Step => {
    return { name: `${project} tests`, script: VITEST, args: ['run', '--project', project] }
  })
  const filtered = { name: 'matching tests', script: VITEST, args: ['run', ...filter] }
  const steps = filter.length > 0 ? [filtered] : [...CHECKS, unit!, SIMULATION, ...deployed]
  const started = performance.now()
  for (const step of steps) {
    console.log(pc.bold(`\n${step.name}`))
    const code = await run(step)
    if (code === 0) continue
    console.error(
      pc.red(`\nnpm test: ${step.name} failed (exit ${code}); what came after it did not run`),
    )
    return code
  }
  const seconds = Math.round((performance.now() - started) / 1_000)
  console.log(pc.green(`\nnpm test: all passed in ${seconds} s`))
  return 0
}

function run({ script, args }: Step): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
    // The children of a terminal get the signal themselves; what was sent to us alone is passed on.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => child.kill(signal))
    }
    child.once('error', reject)
    child.once('close', (code) => resolve(code ?? 130))
  })
}

process.exitCode = await main(process.argv.slice(2))
