import { spawn } from 'node:child_process'
import { closeSync, globSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { CommandContext } from './context.ts'
import { CommandError } from './failure.ts'

/** Events of one stack as the CDK counts them: `<stack> |  3/25 | …`. */
export interface DeployEvent {
  readonly stack: string
  readonly done: number
  readonly total: number
}

export interface CdkRun {
  /** Words for the failure line: `deploying`. */
  readonly what: string
  readonly args: readonly string[]
  readonly logFile: string
  /** Where it looks for an app. @default the project */
  readonly directory?: string
  readonly onEvent?: (event: DeployEvent) => void
}

/** Runs the CDK's command line with all its output in a log file. Fails with the log's path and what stood last in it. */
export async function runCdk(context: CommandContext, run: CdkRun): Promise<void> {
  mkdirSync(dirname(run.logFile), { recursive: true })
  const log = openSync(run.logFile, 'w')
  const errors: string[] = []
  const child = spawn(
    process.execPath,
    [
      join(context.root, 'node_modules', 'aws-cdk', 'bin', 'cdk'),
      ...run.args,
      // The CDK's own announcements cost a second and a connection to the internet.
      '--no-notices',
      '--no-color',
    ],
    {
      cwd: run.directory ?? context.root,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: context.signal,
      env: process.env,
    },
  )
  const onLine = (line: string) => {
    const event = deployEvent(line)
    if (event !== undefined) run.onEvent?.(event)
    else if (/error|fail|❌|must|cannot/i.test(line)) errors.push(line.trim())
  }
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      writeSync(log, text)
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) onLine(line)
    })
  }
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve(exitCode ?? 1))
  }).finally(() => closeSync(log))
  if (code === 0) return
  const last = errors.find((line) => line !== '') ?? lastLine(run.logFile)
  throw new CommandError('cdk.failed', `${run.what} failed: ${last}; the log is ${run.logFile}`)
}

/** How many resources the synthesized templates have, by stack name. */
export function resourcesByStack(assembly: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const file of globSync('**/manifest.json', { cwd: assembly })) {
    const directory = join(assembly, dirname(file))
    const manifest = JSON.parse(readFileSync(join(directory, 'manifest.json'), 'utf8'))
    for (const artifact of Object.values<CloudArtifact>(manifest.artifacts ?? {})) {
      if (artifact.type !== 'aws:cloudformation:stack') continue
      const { templateFile, stackName } = artifact.properties ?? {}
      if (templateFile === undefined || stackName === undefined) continue
      const template = JSON.parse(readFileSync(join(directory, templateFile), 'utf8'))
      counts.set(stackName, Object.keys(template.Resources ?? {}).length)
    }
  }
  return counts
}

interface CloudArtifact {
  readonly type: string
  readonly properties?: { readonly templateFile?: string; readonly stackName?: string }
}

function deployEvent(line: string): DeployEvent | undefined {
  const match = /^\s*(\S+)\s*\|\s*(\d+)\/(\d+)\s*\|/.exec(line)
  return match ? { stack: match[1]!, done: Number(match[2]), total: Number(match[3]) } : undefined
}

function lastLine(file: string): string {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.findLast((line) => line.trim() !== '')?.trim() ?? 'it said nothing'
}
