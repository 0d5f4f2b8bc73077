import { cp, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type CommandOutcome, root, run } from './weir.ts'

const PARTS = [
  'bin',
  'functions',
  'lib',
  'local',
  'products/trips',
  'package.json',
  'cdk.json',
  'tsconfig.json',
] as const

/** A copy of the project with one product, trips, that a test may change and deploy, with a local cloud of its own. */
export class ProjectCopy {
  readonly root: string
  readonly environment: Readonly<Record<string, string>>

  private constructor(copy: string, port: number) {
    this.root = copy
    this.environment = {
      WEIR_PORT: String(port),
      WEIR_VENV_CACHE: process.env.WEIR_VENV_CACHE || join(root, '.weir'),
      AWS_ENDPOINT_URL: '',
    }
  }

  static async create(): Promise<ProjectCopy> {
    const copy = await mkdtemp(join(tmpdir(), 'weir-copy-'))
    for (const part of PARTS) await cp(join(root, part), join(copy, part), { recursive: true })
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    await mkdir(join(copy, '.weir'))
    return new ProjectCopy(copy, await freePort())
  }

  /** Runs a command of the copy. */
  weir(...args: readonly string[]): Promise<CommandOutcome> {
    return run(process.execPath, [join(this.root, 'bin/weir.ts'), ...args], {
      env: this.environment,
    })
  }

  /** Runs it with `--json` and gives its document. Throws with what it said if it fails. */
  async weirJson<Answer>(...args: readonly string[]): Promise<Answer> {
    const { exitCode, stdout, stderr } = await this.weir(...args, '--json')
    if (exitCode === 0) return JSON.parse(stdout) as Answer
    throw new Error(`weir ${args.join(' ')}: exit ${exitCode}: ${stderr}`)
  }

  /** Ends its cloud and removes it. */
  async remove(): Promise<void> {
    await this.weir('down')
    await rm(this.root, { recursive: true, force: true })
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
