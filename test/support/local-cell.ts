import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation'
import { clientConfig } from '#lib/adapters/aws/client-config.ts'
import { ProjectCopy } from './project-copy.ts'

/** A cell of the trips product on a local cloud of its own, deployed from a copy of the project. */
export class LocalCell {
  static readonly region = 'us-east-1'
  readonly project: ProjectCopy
  readonly streamName: string
  readonly slotsTable: string

  /** An output of the cell's state stack. */
  readonly output: (key: string) => string

  private constructor(project: ProjectCopy, output: (key: string) => string) {
    this.project = project
    this.output = output
    this.streamName = output('TripsStreamName')
    this.slotsTable = output('TripsSlotsTable')
  }

  /** Deploys the product with this contract, and other files of the project as they are given. From then on the SDK's clients of this process speak to its cloud. */
  static async start(
    contract: string,
    files: Readonly<Record<string, string>> = {},
  ): Promise<LocalCell> {
    const project = await ProjectCopy.create()
    try {
      await writeFile(join(project.root, 'products/trips/contract.yaml'), contract)
      for (const [file, text] of Object.entries(files)) {
        await writeFile(join(project.root, file), text)
      }
      await project.weirJson('up', '--auth', '--regions', LocalCell.region)
      process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${project.environment.WEIR_PORT}`
      process.env.AWS_ACCESS_KEY_ID = 'test'
      process.env.AWS_SECRET_ACCESS_KEY = 'test'
      const client = new CloudFormationClient(clientConfig({ region: LocalCell.region }))
      const { Stacks } = await client.send(
        new DescribeStacksCommand({ StackName: `weir-${LocalCell.region}-state` }),
      )
      const output = (key: string) => {
        const found = Stacks?.[0]?.Outputs?.find((one) => one.OutputKey === key)?.OutputValue
        if (found === undefined) throw new Error(`the state stack has no output ${key}`)
        return found
      }
      return new LocalCell(project, output)
    } catch (error) {
      await project.remove()
      throw error
    }
  }

  weir<Answer>(...args: readonly string[]): Promise<Answer> {
    return this.project.weirJson<Answer>(...args, '--region', LocalCell.region)
  }

  /** The processes that functions run in at the moment: children of the cloud's server. */
  functionProcesses(): readonly number[] {
    const server = serverOf(this.project)
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => parentOf(pid) === server && programOf(pid) === 'node')
  }

  async stop(): Promise<void> {
    await this.project.remove()
  }
}

function serverOf({ root, environment }: ProjectCopy): number {
  const file = join(root, '.weir', `local-${environment.WEIR_PORT}.json`)
  return (JSON.parse(readFileSync(file, 'utf8')) as { pid: number }).pid
}

/** Undefined for a process that is gone. */
function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Behind the name in brackets, which may hold anything: the state, and the parent.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function programOf(pid: number): string | undefined {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`))
  } catch (error) {
    if (isGone(error)) return undefined
    throw error
  }
}

function isGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
}
