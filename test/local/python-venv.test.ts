import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ensureVenv } from '../../local/python-venv.ts'
import { freePort, temporaryFolder } from './temporary-cloud.ts'

const MODULE = pathToFileURL(join(import.meta.dirname, '../../local/python-venv.ts')).href

describe('ensureVenv', () => {
  let folder: string

  beforeEach(() => {
    folder = temporaryFolder()
    vi.stubEnv('WEIR_VENV_CACHE', '')
  })
  afterEach(() => {
    vi.unstubAllEnvs()
  })

  it('says that Python is missing, and what to install', async () => {
    vi.stubEnv('PATH', folder)

    const made = ensureVenv(folder, requirements(''))

    await expect(made).rejects.toMatchObject({
      code: 'local.pythonMissing',
      message: expect.stringMatching(/^no Python found .* install Python 3\.10 or newer/),
    })
  })

  it('says that Python is too old', async () => {
    pretendPython('[3, 9, true, ""]')

    const made = ensureVenv(folder, requirements(''))

    await expect(made).rejects.toMatchObject({
      code: 'local.pythonTooOld',
      message: expect.stringMatching(/is Python 3\.9, the local cloud needs 3\.10 or newer/),
    })
  })

  it('says which package brings the venv module', async () => {
    pretendPython('[3, 12, false, ""]')

    const made = ensureVenv(folder, requirements(''))

    await expect(made).rejects.toMatchObject({
      code: 'local.venvModuleMissing',
      message: expect.stringContaining('apt-get install python3-venv'),
    })
  })

  it('says in one line that pip failed, names the log, and does not trust what is left', async () => {
    vi.stubEnv('PIP_INDEX_URL', `http://127.0.0.1:${await freePort()}/simple`)
    vi.stubEnv('PIP_RETRIES', '0')
    const file = requirements('ministack==1.5.33\n')

    const failure = await ensureVenv(folder, file).catch((error: unknown) => error)

    expect(failure).toMatchObject({
      code: 'local.installFailed',
      message: expect.stringMatching(/^pip could not install .*; details in .*venv-\w+\.log$/),
    })
    const venv = readdirSync(folder).find((name) => /^venv-\w+$/.test(name)) ?? ''
    expect(existsSync(join(folder, venv, '.complete'))).toBe(false)
  })

  it('makes one environment for two processes at once, and finds it the next time', async () => {
    const file = requirements('# nothing\n')

    const [one, two] = await Promise.all([inProcess(folder, file), inProcess(folder, file)])
    const third = await inProcess(folder, file)

    expect(two.python).toBe(one.python)
    expect(third).toEqual({ python: one.python, installed: false })
    expect([one.installed, two.installed].sort()).toEqual([false, true])
    expect(readdirSync(folder).filter((name) => name.includes('.lock'))).toEqual([])
  })

  function requirements(text: string): string {
    const file = join(folder, 'requirements.txt')
    writeFileSync(file, text)
    return file
  }

  /** A `python3` that answers the probe with this and can do nothing else. */
  function pretendPython(answer: string): void {
    const bin = join(folder, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'python3'), `#!/bin/sh\necho '${answer}'\n`)
    chmodSync(join(bin, 'python3'), 0o755)
    vi.stubEnv('PATH', bin)
  }
})

function inProcess(folder: string, file: string): Promise<{ python: string; installed: boolean }> {
  const script = `
    const { ensureVenv } = await import(${JSON.stringify(MODULE)})
    let installed = false
    const python = await ensureVenv(${JSON.stringify(folder)}, ${JSON.stringify(file)}, (line) => { installed ||= line.startsWith('installing') })
    console.log(JSON.stringify({ python, installed }))`
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script])
    const chunks: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', reject)
    child.on('close', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
  })
}
