import { parseArgs } from 'node:util'
import { runProof } from '#test/proof/run-proof.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
  },
})
const proof = await runProof({
  events: Number(values.events),
  seed: Number(values.seed),
  onProgress: (line) => process.stderr.write(`proof: ${line}\n`),
})
process.stdout.write(`${JSON.stringify(proof)}\n`)
for (const difference of proof.differences) process.stderr.write(`proof: ${difference}\n`)
process.exitCode = proof.differences.length === 0 ? 0 : 1
