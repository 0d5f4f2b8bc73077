import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { packProducer } from '#scripts/producer-package/pack-producer.ts'
import { kinesisEndpoint } from '#test/support/kinesis-endpoint.ts'
import { root } from '#test/support/weir.ts'

let project: string

/** A program of somebody else: its node_modules have the package, and what the package depends on. */
beforeAll(async () => {
  project = mkdtempSync(join(tmpdir(), 'weir-sender-'))
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, 'weir-producer'), { recursive: true })
  const tarball = await packProducer(root, project)
  execFileSync('tar', [
    'xzf',
    tarball,
    '--strip-components=1',
    '-C',
    join(modules, 'weir-producer'),
  ])
  for (const name of ['@aws-sdk', '@smithy', '@types', 'temporal-polyfill', 'undici-types']) {
    symlinkSync(join(root, 'node_modules', name), join(modules, name))
  }
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

const PROGRAM = `import { EventProducer } from 'weir-producer'

const producer = new EventProducer<{ n: number }>({
  streamName: 'weir-numbers',
  region: 'eu-west-1',
  type: 'numbers.counted',
  source: '/numbers',
  partitionKey: 'n',
})
for (let n = 0; n < 5; n++) await producer.send({ id: String(n), data: { n } })
await producer.close()
`

it('sends events from a program that has nothing else of Weir', async () => {
  const endpoint = await kinesisEndpoint()
  try {
    writeFileSync(join(project, 'send.js'), PROGRAM.replace('<{ n: number }>', ''))
    await promisify(execFile)(process.execPath, ['send.js'], {
      cwd: project,
      env: { ...process.env, ...endpoint.environment },
    })

    expect(endpoint.events.map((text) => JSON.parse(text).data.n).sort()).toEqual([0, 1, 2, 3, 4])
  } finally {
    await endpoint.stop()
  }
})

it('has types that a strict program compiles with, and that notice what is wrong', () => {
  writeFileSync(join(project, 'send.ts'), PROGRAM)
  writeFileSync(join(project, 'wrong.ts'), PROGRAM.replace('data: { n }', "data: { n: 'one' }"))
  const check = (file: string) => {
    const options = '--noEmit --strict --module nodenext --target es2024 --types node'.split(' ')
    try {
      execFileSync(
        process.execPath,
        [join(root, 'node_modules/typescript/bin/tsc'), ...options, file],
        {
          cwd: project,
          encoding: 'utf8',
        },
      )
      return ''
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }

  expect(check('send.ts')).toBe('')
  expect(check('wrong.ts')).toContain("Type 'string' is not assignable to type 'number'")
})
