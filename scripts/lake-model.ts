import { parseArgs } from 'node:util'
import { runModel } from '#test/domain/lake/model/run-model.ts'
import { IcebergFiles } from '#test/support/iceberg-files.ts'
import { SparkTables } from '#test/support/spark-tables.ts'

const USAGE =
  'usage: npm run -s lake:model -- [--seeds 20] [--from 1] [--operations 300] [--spark | --without-engines]'

/** What is printed, in one line of JSON. */
interface Report {
  readonly seeds: number
  readonly operations: number
  readonly failed: number
  readonly firstFailure: {
    readonly seed: number
    readonly message: string
    readonly command: string
  } | null
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '20' },
      from: { type: 'string', default: '1' },
      operations: { type: 'string', default: '300' },
      spark: { type: 'boolean', default: false },
      'without-engines': { type: 'boolean', default: false },
    },
  })
  const [seeds, from, operations] = [values.seeds, values.from, values.operations].map(whole)
  const engines = values['without-engines']
    ? undefined
    : values.spark
      ? SparkTables.start()
      : await IcebergFiles.start()
  let [failed, firstFailure]: [number, Report['firstFailure']] = [0, null]
  try {
    for (let seed = from!; seed < from! + seeds!; seed++) {
      try {
        const { operations: done } = await runModel({
          seed,
          operations: operations!,
          ...(engines && { engines }),
        })
        process.stderr.write(`seed ${seed}: ${JSON.stringify(done)}\n`)
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        process.stderr.write(`${message}\n`)
        const without = values.spark ? ' --spark' : engines ? '' : ' --without-engines'
        const command = `npm run -s lake:model -- --seeds 1 --from ${seed} --operations ${operations}${without}`
        failed++
        firstFailure ??= { seed, message: message.split('\n')[0]!, command }
      }
    }
  } finally {
    await engines?.stop()
  }
  const report: Report = { seeds: seeds!, operations: seeds! * operations!, failed, firstFailure }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  return failed === 0 ? 0 : 1
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new Error(`not a whole number: ${text}`)
}

try {
  process.exitCode = await main()
} catch (error) {
  process.stderr.write(`lake:model: ${error instanceof Error ? error.message : error}\n${USAGE}\n`)
  process.exitCode = 2
}
