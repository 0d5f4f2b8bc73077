import { parseArgs } from 'node:util'
import { plantedBugs } from '#test/simulation/bugs/all.ts'
import { catchBug } from '#test/simulation/catch-bug.ts'

const USAGE = 'usage: npm run -s sim:bugs -- [--workers 2] [<words of a name>…]'

/** Plants each bug whose name has the given words, and sees that the simulation notices. One line of JSON each. */
async function main(): Promise<number> {
  const { positionals: words, values } = parseArgs({
    allowPositionals: true,
    options: { workers: { type: 'string', default: '2' } },
  })
  const bugs = plantedBugs.filter(({ name }) => words.every((word) => name.includes(word)))
  const queue = bugs.values()
  let missed = 0
  await Promise.all(
    Array.from({ length: Math.max(1, Number(values.workers)) }, async () => {
      for (const bug of queue) {
        const report = await catchBug(bug)
        if (!report.isCaught) missed++
        process.stdout.write(`${JSON.stringify(report)}\n`)
      }
    }),
  )
  const outcome =
    missed === 0 ? `all ${bugs.length} bugs were caught` : `${missed} bugs were missed`
  process.stderr.write(`${outcome}\n`)
  return missed === 0 && bugs.length > 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`sim:bugs: ${error instanceof Error ? error.message : error}\n${USAGE}\n`)
  process.exitCode = 2
}
