import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Comparison } from '../bench/comparison.ts'

/** What a file `bench/<name>.ts` exports. */
export interface Bench {
  /** Compares, and yields each comparison as soon as it is there. */
  run(args: readonly string[]): AsyncIterable<Comparison>
}

const folder = join(import.meta.dirname, '../bench')

/** One JSON line per comparison; exits with 1 if two that should give the same answer do not. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  const known = benches()
  const list = `known are ${known.join(', ')}`
  if (name === '--help' || name === '-h') {
    process.stdout.write(`usage: npm run -s bench -- <name> [options]\n${list}\n`)
    return 0
  }
  if (name === undefined || !known.includes(name)) {
    const what = name === undefined ? 'name a bench' : `there is no bench "${name}"`
    process.stderr.write(`${what}: ${list}; for example \`npm run -s bench -- decode\`\n`)
    return 1
  }
  const bench = (await import(pathToFileURL(join(folder, `${name}.ts`)).href)) as Bench
  let areEqual = true
  for await (const comparison of bench.run(args)) {
    process.stdout.write(`${JSON.stringify(comparison)}\n`)
    areEqual &&= comparison.equal
  }
  return areEqual ? 0 : 1
}

/** Every bench that exports `run`; other files in the folder are shared by them. */
function benches(): string[] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.ts'))
  return files.filter((file) => file !== 'comparison.ts').map((file) => file.slice(0, -3))
}

process.exitCode = await main(process.argv.slice(2))
