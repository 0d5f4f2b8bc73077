import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { crc32 } from 'node:zlib'
import {
  CloudFormationClient,
  CreateStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation'
import { afterAll } from 'vitest'
import { type LocalCloud, startLocalCloud, stopLocalCloud } from '../../local/local-cloud.ts'

// The packages are installed once, for the tests and for the commands of this project.
process.env.WEIR_VENV_CACHE ??= resolve(import.meta.dirname, '../../.weir')

export interface TemporaryCloud extends LocalCloud {
  readonly stateDir: string
  readonly stop: () => Promise<void>
}

/** A local cloud of its own on a free port; `stop` leaves nothing behind. */
export async function startTemporaryCloud({ auth }: { auth: boolean }): Promise<TemporaryCloud> {
  const stateDir = temporaryFolder()
  const port = await freePort()
  const cloud = await startLocalCloud({ port, stateDir, auth })
  const stop = async () => {
    await stopLocalCloud({ port, stateDir })
  }
  return { ...cloud, stateDir, stop }
}

const folders: string[] = []

afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

/** A folder that is gone when the tests of the file are through. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-test-'))
  folders.push(folder)
  return folder
}

export function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** What the SDK's clients need to talk to it as the account's root. */
export function clientSettings({ endpoint }: { endpoint: string }, region = 'us-east-1') {
  return { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } }
}

/** A template's function with its code inline, and the role it runs as, which may do what the statements say. */
export function nodeFunction(code: string, options: NodeFunctionOptions = {}) {
  return { code, ...options }
}

export interface NodeFunctionOptions {
  readonly allow?: readonly { readonly Action: string | string[]; readonly Resource: string }[]
  readonly timeoutSeconds?: number
}

/** Deploys the functions, and whatever else the resources say, as one stack, and waits until they are there. */
export async function deploy(
  cloud: { endpoint: string },
  stackName: string,
  functions: Record<string, ReturnType<typeof nodeFunction>>,
  resources: Record<string, unknown> = {},
): Promise<void> {
  const client = new CloudFormationClient(clientSettings(cloud))
  const template = {
    Resources: {
      ...resources,
      ...Object.fromEntries(
        Object.entries(functions).flatMap(([name, { code, allow = [], timeoutSeconds = 10 }]) => [
          [`${name}Role`, roleOf(allow)],
          [
            name,
            {
              Type: 'AWS::Lambda::Function',
              Properties: {
                FunctionName: name,
                Runtime: 'nodejs24.x',
                Handler: 'index.handler',
                Timeout: timeoutSeconds,
                Role: { 'Fn::GetAtt': [`${name}Role`, 'Arn'] },
                Code: { ZipFile: code },
              },
            },
          ],
        ]),
      ),
    },
  }
  await client.send(
    new CreateStackCommand({
      StackName: stackName,
      TemplateBody: JSON.stringify(template),
      Capabilities: ['CAPABILITY_NAMED_IAM'],
    }),
  )
  const status = await eventually(async () => {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }))
    const now = Stacks?.[0]?.StackStatus
    return now?.endsWith('_IN_PROGRESS') ? undefined : now
  })
  if (status !== 'CREATE_COMPLETE') throw new Error(`stack ${stackName} is ${status}`)
}

function roleOf(allow: NonNullable<NodeFunctionOptions['allow']>) {
  const statement = (rest: object) => ({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', ...rest }],
  })
  return {
    Type: 'AWS::IAM::Role',
    Properties: {
      AssumeRolePolicyDocument: statement({
        Principal: { Service: 'lambda.amazonaws.com' },
        Action: 'sts:AssumeRole',
      }),
      Policies: allow.map((rest, index) => ({
        PolicyName: `allow-${index}`,
        PolicyDocument: statement(rest),
      })),
    },
  }
}

/** A zip archive with one file, stored as it is: the local header, the file, and the directory at the end. */
export function zipOf(name: string, content: Buffer): Buffer {
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt32LE(crc32(content), 10)
  common.writeUInt32LE(content.length, 14)
  common.writeUInt32LE(content.length, 18)
  common.writeUInt16LE(name.length, 22)
  const file = Buffer.concat([bytes(0x04034b50), common, Buffer.from(name), content])
  const attributes = Buffer.alloc(14)
  const entry = [bytes(0x02014b50), Buffer.from([20, 0]), common, attributes, Buffer.from(name)]
  const directory = Buffer.concat(entry)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(1, 4)
  end.writeUInt16LE(1, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(file.length, 12)
  return Buffer.concat([file, directory, bytes(0x06054b50), end])
}

function bytes(word: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(word)
  return buffer
}

/** Asks again until there is an answer. */
export async function eventually<T>(
  ask: () => Promise<T | undefined>,
  timeoutMs = 15_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > deadline) throw new Error(`no answer within ${timeoutMs} ms`)
    await new Promise((wake) => setTimeout(wake, 50))
  }
}
