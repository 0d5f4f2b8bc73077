import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const RUN = join(import.meta.dirname, '../../scripts/run.mjs')
const CHILD = 'test/bin/fixtures/child.ts'

describe('the entry of every script', () => {
  it('runs TypeScript with the project’s Node, and passes arguments on as they are', () => {
    const args = ['a b', '--json', "it's", '']
    const { stdout } = spawnSync(process.execPath, [RUN, CHILD, 'echo', ...args], {
      encoding: 'utf8',
    })

    expect(JSON.parse(stdout)).toEqual({ args, major: '24' })
  })

  it('ends with the exit code of what it ran', () => {
    expect(spawnSync(process.execPath, [RUN, CHILD, 'exit', '7']).status).toBe(7)
  })

  it('passes a signal on and waits for the end', async () => {
    const child = spawn(process.execPath, [RUN, CHILD, 'wait'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    await once(child.stdout, 'data')

    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')

    expect(code).toBe(42)
  })

  it('says how it is used', () => {
    const { status, stderr } = spawnSync(process.execPath, [RUN], { encoding: 'utf8' })

    expect([status, stderr]).toEqual([
      1,
      'weir: usage: node scripts/run.mjs <entry.ts> [arguments]\n',
    ])
  })
})

describe('a command whose reader goes away', () => {
  it('ends without a word and with its own exit code', () => {
    const weir = join(import.meta.dirname, '../../bin/weir.ts')
    const script = `"${process.execPath}" "${weir}" --help | true; echo "\${PIPESTATUS[0]}"`

    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })

    expect([stdout.trim(), stderr]).toEqual(['0', ''])
  })
})
