import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { LocalCloudError } from './errors.ts'
import { withFileLock } from './file-lock.ts'

const OLDEST_PYTHON: readonly [number, number] = [3, 10]
const INSTALL_TIMEOUT_MS = 15 * 60_000

/** Prints the version, and fails on the modules that Debian packages apart from Python itself. */
const PROBE = [
  'import json, sys',
  'try:',
  '    import venv, ensurepip',
  '    has_venv = True',
  'except ImportError:',
  '    has_venv = False',
  'print(json.dumps([sys.version_info[0], sys.version_info[1], has_venv, sys.executable]))',
].join('\n')

interface Python {
  readonly command: string
  readonly version: readonly [number, number]
  readonly hasVenv: boolean
}

/**
 * The Python of a virtual environment below the cache folder that holds exactly these requirements; made on the first call, found on every
 * later one. The folder's name carries a hash of what it was made from, and a marker that is written last tells a whole
 * environment from an interrupted one. `WEIR_VENV_CACHE` names another folder for all of them, so that many state folders
 * (of tests, of clones) share one environment.
 */
export async function ensureVenv(
  cacheDir: string,
  requirementsFile: string,
  onProgress?: (line: string) => void,
): Promise<string> {
  const python = findPython()
  const requirements = readFileSync(requirementsFile, 'utf8')
  const identity = [python.version.join('.'), process.platform, process.arch, requirements].join(
    '\n',
  )
  const hash = createHash('sha256').update(identity).digest('hex').slice(0, 12)
  const venv = join(resolve(process.env.WEIR_VENV_CACHE || cacheDir), `venv-${hash}`)
  const venvPython = join(venv, 'bin', 'python')
  const marker = join(venv, '.complete')
  const isComplete = () => existsSync(marker) && existsSync(venvPython)
  if (isComplete()) return venvPython

  const waiting = (pid: number) =>
    onProgress?.(`waiting for process ${pid}, which is installing the same packages`)
  await withFileLock(
    `${venv}.lock`,
    { timeoutMs: INSTALL_TIMEOUT_MS, onWait: waiting },
    async () => {
      if (isComplete()) return
      onProgress?.(
        `installing the Python packages of ${basename(requirementsFile)} into ${venv} (once)`,
      )
      rmSync(venv, { recursive: true, force: true })
      await install({ python, venv, requirementsFile, logFile: `${venv}.log` })
      writeFileSync(marker, identity)
    },
  )
  return venvPython
}

async function install(what: {
  readonly python: Python
  readonly venv: string
  readonly requirementsFile: string
  readonly logFile: string
}): Promise<void> {
  const { python, venv, requirementsFile, logFile } = what
  mkdirSync(venv, { recursive: true })
  const log = openSync(logFile, 'w')
  try {
    if ((await run(python.command, ['-I', '-m', 'venv', venv], log)) !== 0) {
      throw new LocalCloudError(
        'local.venvModuleMissing',
        `${python.command} could not make a virtual environment in ${venv}: install its venv module (Debian and Ubuntu: apt-get install python3-venv); details in ${logFile}`,
      )
    }
    const pip = [
      '-I',
      '-m',
      'pip',
      'install',
      '--disable-pip-version-check',
      '--no-input',
      '-r',
      requirementsFile,
    ]
    if ((await run(join(venv, 'bin', 'python'), pip, log)) !== 0) {
      throw new LocalCloudError(
        'local.installFailed',
        `pip could not install ${requirementsFile}: check the network and pip's index settings (PIP_INDEX_URL, pip config), then try again; details in ${logFile}`,
      )
    }
  } finally {
    closeSync(log)
  }
}

/** The first Python that is new enough; `WEIR_PYTHON` names one explicitly. */
function findPython(): Python {
  const named = process.env.WEIR_PYTHON
  const candidates = named
    ? [named]
    : ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python']
  const found = candidates.map(probePython).filter((python) => python !== undefined)
  const wanted = OLDEST_PYTHON.join('.')
  const recent = found.filter(({ version }) => isAtLeast(version, OLDEST_PYTHON))
  const usable = recent.find(({ hasVenv }) => hasVenv)
  if (usable !== undefined) return usable
  const first = recent[0]
  if (first !== undefined) {
    throw new LocalCloudError(
      'local.venvModuleMissing',
      `${first.command} has no venv module: install it (Debian and Ubuntu: apt-get install python3-venv), or set WEIR_PYTHON to a Python that has it`,
    )
  }
  const old = found[0]
  if (old !== undefined) {
    throw new LocalCloudError(
      'local.pythonTooOld',
      `${old.command} is Python ${old.version.join('.')}, the local cloud needs ${wanted} or newer: install one, or set WEIR_PYTHON to it`,
    )
  }
  throw new LocalCloudError(
    'local.pythonMissing',
    `no Python found (looked for ${candidates.join(', ')}): install Python ${wanted} or newer, or set WEIR_PYTHON to it`,
  )
}

function probePython(command: string): Python | undefined {
  const probe = spawnSync(command, ['-I', '-c', PROBE], { encoding: 'utf8', timeout: 20_000 })
  if (probe.status !== 0) return undefined
  try {
    const [major, minor, hasVenv, executable] = JSON.parse(probe.stdout) as [
      number,
      number,
      boolean,
      string,
    ]
    return { command: executable || command, version: [major, minor], hasVenv }
  } catch {
    return undefined
  }
}

function isAtLeast(version: readonly [number, number], least: readonly [number, number]): boolean {
  return version[0] > least[0] || (version[0] === least[0] && version[1] >= least[1])
}

/** Runs to the end with all output in the log. A signal counts as a failure. */
function run(command: string, args: readonly string[], log: number): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', log, log] })
    child.once('error', () => resolve(1))
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
