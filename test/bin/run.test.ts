import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
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

describe('a file that a person names', () => {
  it('is where that person stood, also through npm', () => {
    const root = join(import.meta.dirname, '../..')
    const stood = join(root, 'products/trips')
    const args = [join(root, 'bin/weir.ts'), 'contract', 'check', './contract.yaml', '--json']
    const env = { ...process.env, INIT_CWD: stood }
    const through = (cwd: string) =>
      spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' }).status

    // npm goes to the project's folder first; who calls the command directly is where they are.
    expect(through(root)).toBe(0)
    expect(through(stood)).toBe(0)
    expect(through(join(root, 'docs'))).toBe(1)
  })
})

describe('a command that is interrupted', () => {
  it('leaves one line and 130', async () => {
    const weir = join(import.meta.dirname, '../../bin/weir.ts')
    // A cloud that takes connections and never answers.
    const server = createServer(() => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const env = { ...process.env, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` }
    const args = [weir, 'query', 'select 1', '--region', 'us-east-1']
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    await once(server, 'connection')

    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    server.close()

    expect([code, stderr]).toEqual([130, 'weir: interrupted\n'])
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
