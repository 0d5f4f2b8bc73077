import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { packProducer } from './producer-package/pack-producer.ts'

const USAGE = `usage: npm run -s pack:producer -- [--into dist]

Makes the package "weir-producer" for programs that send events and have nothing else of Weir:
the producer in JavaScript, its types, and only the dependencies that it has.`

const { values } = parseArgs({
  options: {
    into: { type: 'string', default: 'dist' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  process.stdout.write(`${USAGE}\n`)
} else {
  const root = join(import.meta.dirname, '..')
  process.stdout.write(
    `${await packProducer(root, resolve(process.env.INIT_CWD ?? root, values.into))}\n`,
  )
}
