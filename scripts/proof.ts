import { parseArgs } from 'node:util'
import { runProof } from '#test/proof/run-proof.ts'

const USAGE = 'usage: npm run -s proof -- [--events 100000] [--seed 1]'

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
    },
  })
  const proof = await runProof({
    events: whole(values.events),
    seed: whole(values.seed),
    onProgress: (line) => process.stderr.write(`proof: ${line}\n`),
  })
  process.stdout.write(`${JSON.stringify(proof)}\n`)
  for (const difference of proof.differences) process.stderr.write(`proof: ${difference}\n`)
  return proof.differences.length === 0 ? 0 : 1
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`not a whole number: ${text}`)
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`proof: ${error instanceof Error ? error.message : error}\n${USAGE}\n`)
  process.exitCode = 2
}
