import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTimeOf } from '#local/processes.ts'
import { COMMANDS } from '../../bin/commands/all.ts'
import type { CommandContext } from '../../bin/commands/context.ts'
import { leftoverStacks } from '../../bin/commands/deploy.ts'
import { runProgram } from '../../bin/commands/program.ts'
import { resolveTarget } from '../../bin/commands/target.ts'

/** Nothing listens there. */
const PORT = '9'
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weir-up-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function weir(...args: string[]) {
  let [stdout, stderr] = ['', '']
  const kept = { ...process.env }
  const exitCode = await runProgram(args, COMMANDS, {
    root,
    environment: Object.assign(process.env, { WEIR_PORT: PORT }),
    stdout: {
      write(text) {
        stdout += text
      },
    },
    stderr: {
      write(text) {
        stderr += text
      },
    },
    signal: new AbortController().signal,
  })
  process.env = kept
  return { exitCode, stdout, stderr }
}

function lockedBy(pid: number, startTime = startTimeOf(pid)): void {
  mkdirSync(join(root, '.weir'), { recursive: true })
  const holder = { pid, ...(startTime === undefined ? {} : { startTime }), nonce: 'x' }
  writeFileSync(join(root, '.weir', `up-${PORT}.lock`), JSON.stringify(holder))
}

describe('while a cloud is started, deployed to or ended', () => {
  it.each(['up', 'down'])('"%s" says in one line who is at it', async (command) => {
    const other = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'])
    lockedBy(other.pid!)
    const { exitCode, stdout, stderr } = await weir(command)
    other.kill()

    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      `weir: ${command} has to wait: process ${other.pid} is starting, deploying or ending this cloud; run \`weir ${command}\` again once it is done, or end it (kill ${other.pid})\n`,
    )
  })

  it('whoever died at it, or lent its id to another program, holds up nobody', async () => {
    const dead = spawn(process.execPath, ['-e', ''])
    await new Promise((resolve) => dead.once('exit', resolve))

    lockedBy(dead.pid!)
    expect(await weir('down')).toMatchObject({ exitCode: 0 })
    lockedBy(process.pid, 'long ago')
    expect(await weir('down')).toMatchObject({ exitCode: 0 })
  })
})

describe('stacks of products that the project does not have any more', () => {
  it('are found among those of the cell, and no others', async () => {
    const names = ['state', 'ops', 'trips', 'old-rides', 'old-rides-eu'].map(
      (part) => `weir-us-east-1-${part}`,
    )
    const all = [...names, 'weir-eu-west-1-rides', 'CDKToolkit', 'other-us-east-1-rides']
    const member = (name: string) =>
      `<member><StackName>${name}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>${name.endsWith('eu') ? 'DELETE_COMPLETE' : 'UPDATE_COMPLETE'}</StackStatus></member>`
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/xml')
      response.end(
        `<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>${all.map(member).join('')}</Stacks></DescribeStacksResult></DescribeStacksResponse>`,
      )
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const kept = { ...process.env }
    Object.assign(process.env, resolveTarget({ WEIR_PORT: String(port) }).environment)
    const target = resolveTarget({ WEIR_PORT: String(port) })

    const deployment = { regions: ['us-east-1'], products: ['trips'] }
    const found = await leftoverStacks({ target } as CommandContext, deployment)
    process.env = kept
    server.closeAllConnections()
    server.close()

    expect(found).toEqual(['weir-us-east-1-old-rides'])
  })
})
