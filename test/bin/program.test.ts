import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { afterAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../bin/commands/all.ts'
import { CommandError } from '../../bin/commands/failure.ts'
import { runProgram } from '../../bin/commands/program.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Nothing listens there. */
const PORT = '9'

class Written {
  text = ''

  write(text: string): void {
    this.text += text
  }
}

async function weir(args: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  const [stdout, stderr] = [new Written(), new Written()]
  const kept = { ...process.env }
  try {
    const exitCode = await runProgram(args, COMMANDS, {
      root: ROOT,
      environment: Object.assign(process.env, { WEIR_PORT: PORT, ...environment }),
      stdout,
      stderr,
      signal: new AbortController().signal,
    })
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  } finally {
    process.env = kept
  }
}

const COMMAND_PATHS = [
  [],
  ['up'],
  ['down'],
  ['status'],
  ['send'],
  ['wait'],
  ['query'],
  ['decide'],
  ['features'],
  ['features', 'get'],
  ['features', 'sql'],
  ['reconcile'],
  ['features', 'publish'],
  ['features', 'rollback'],
  ['features', 'publications'],
  ['features', 'readiness'],
  ['features', 'training-set'],
  ['features', 'skew'],
  ['raw'],
  ['raw', 'verify'],
  ['raw', 'rebuild-journal'],
  ['replay'],
  ['replay', 'start'],
  ['replay', 'compare'],
  ['replay', 'switch'],
  ['replay', 'list'],
  ['replay', 'drop'],
  ['quarantine'],
  ['quarantine', 'list'],
  ['quarantine', 'show'],
  ['quarantine', 'replay'],
  ['table'],
  ['table', 'list'],
  ['table', 'history'],
  ['table', 'files'],
  ['table', 'diff'],
  ['table', 'rollback'],
  ['table', 'release'],
  ['table', 'delete'],
  ['erase'],
  ['erase', 'verify'],
  ['erase', 'hold'],
  ['erase', 'lift'],
  ['erase', 'restored'],
  ['table', 'refs'],
  ['table', 'branch'],
  ['table', 'tag'],
  ['table', 'publish'],
  ['table', 'drop-branch'],
  ['table', 'drop-tag'],
  ['table', 'compact'],
  ['table', 'rewrite-manifests'],
  ['table', 'expire'],
  ['table', 'orphans'],
  ['backfill'],
  ['backfill', 'plan'],
  ['backfill', 'start'],
  ['backfill', 'approve'],
  ['backfill', 'status'],
  ['backfill', 'stop'],
  ['backfill', 'rollback'],
  ['backfill', 'history'],
  ['contract'],
  ['contract', 'check'],
  ['contract', 'types'],
  ['contract', 'fields'],
  ['contract', 'docs'],
]

describe('help', () => {
  it.each(COMMAND_PATHS.map((path) => [path.join(' '), path] as const))(
    'of "%s" stays as it is',
    async (_, path) => {
      const { exitCode, stdout, stderr } = await weir([...path, '--help'])

      expect([exitCode, stderr]).toEqual([0, ''])
      await expect(stdout).toMatchFileSnapshot(`help/${path.join('-') || 'weir'}.txt`)
    },
  )

  it('has an example for every command, and offers --json', async () => {
    for (const path of COMMAND_PATHS.filter((one) => one.length > 0)) {
      const { stdout } = await weir([...path, '--help'])
      if (
        ['backfill', 'features', 'raw', 'replay', 'quarantine', 'table', 'contract'].includes(
          path.join(' '),
        )
      )
        continue

      expect(stdout).toMatch(/Examples?:/)
      expect(stdout).toContain('--json')
    }
  })
})

it('says its version', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

  expect(await weir(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
})

describe('a command that is interrupted', () => {
  const interrupted = async (message: string, ...args: string[]) => {
    const [stdout, stderr] = [new Written(), new Written()]
    const stop = new AbortController()
    const exitCode = await runProgram(
      ['work', ...args],
      [
        (program, run) =>
          program.command('work').action((_options: unknown, command: Command) =>
            run(command, async () => {
              stop.abort()
              throw message === '' ? new Error('socket hang up') : sent(message)
            }),
          ),
      ],
      { root: ROOT, environment: { ...process.env }, stdout, stderr, signal: stop.signal },
    )
    return { exitCode, stdout: stdout.text, stderr: stderr.text }
  }
  const sent = (message: string) => new CommandError('send.interrupted', message)

  it('ends in one line and with 130, whatever broke off', async () => {
    expect(await interrupted('')).toEqual({
      exitCode: 130,
      stdout: '',
      stderr: 'weir: interrupted\n',
    })
    expect(JSON.parse((await interrupted('', '--json')).stdout)).toEqual({
      error: { code: 'interrupted', message: 'interrupted' },
    })
  })

  it('says more where the command knows more', async () => {
    expect(await interrupted('3 of 5 were accepted')).toMatchObject({
      exitCode: 130,
      stderr: 'weir: 3 of 5 were accepted\n',
    })
  })
})

describe('a command line that is wrong', () => {
  it.each([
    [['sned'], "unknown command 'sned' (Did you mean send?)"],
    [['quarantine', 'lsit'], "unknown command 'lsit' (Did you mean list?)"],
    [['up', '--region', 'x'], "unknown option '--region' (Did you mean --regions?)"],
    [['send', 'trips', '--region', 'r'], "missing required argument 'file'"],
    [['wait', 'trips'], "required option '--region <region>' not specified"],
    [
      ['wait', 'trips', '--region', 'r', '--events', 'x'],
      "option '--events <number>' argument 'x' is invalid. Write a whole number.",
    ],
    [
      ['table', 'diff', 'trips', '12', 'now', '--region', 'r'],
      "command-argument value '12' is invalid for argument 'from'. Write a snapshot’s id, or a time such as 2026-01-31T18:00:00Z.",
    ],
    [
      ['table', 'expire', 'trips', '--region', 'r', '--older-than', '5m'],
      "option '--older-than <duration>' argument '5m' is invalid. Too short: readers may be at a snapshot for an hour: write 1h or more.",
    ],
    [
      ['table', 'orphans', 'trips', '--region', 'r', '--older-than', '2h'],
      "option '--older-than <duration>' argument '2h' is invalid. Too short: what is younger may belong to a commit under way: write 1d or more.",
    ],
    [
      ['table', 'delete', 'trips', '--region', 'r'],
      "required option '--where <condition>' not specified",
    ],
    [
      ['table', 'delete', 'trips', '--region', 'r', '--where', 'a = 1', '--mode', 'fast'],
      "option '--mode <mode>' argument 'fast' is invalid. Write copy-on-write or merge-on-read.",
    ],
    [['table', 'tag', 'trips', '--region', 'r'], "missing required argument 'name'"],
    [['down', 'now'], "too many arguments for 'down'. Expected 0 arguments but got 1."],
  ])('%j is one line with exit 2', async (args, message) => {
    expect(await weir(args)).toEqual({ exitCode: 2, stdout: '', stderr: `weir: ${message}\n` })
  })

  it('is one JSON document on stdout too, if asked for', async () => {
    const { exitCode, stdout, stderr } = await weir(['sned', '--json'])

    expect(exitCode).toBe(2)
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: 'commander.unknownCommand',
        message: "unknown command 'sned' (Did you mean send?)",
      },
    })
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('a command that fails', () => {
  const TABLES = 'fraud, fraud_maintenance, surge, surge_maintenance, trips, trips_maintenance'
  const NOT_RUNNING = `the local cloud is not running on port ${PORT}: run \`WEIR_PORT=${PORT} npm run weir -- up\``

  it.each([
    [
      ['send', 'trip', 'x.csv', '--region', 'us-east-1'],
      'unknown product "trip": known are fraud, surge, trips',
    ],
    [['send', 'trips', 'x.csv', '--region', 'us-east-1'], NOT_RUNNING],
    [['query', 'select 1', '--region', 'us-east-1'], NOT_RUNNING],
    [['query', ' ', '--region', 'us-east-1'], 'the query is empty'],
    [
      ['query', '/* x */ drop table trips', '--region', 'us-east-1'],
      'query only reads, so "drop" is refused: start with select, with, values, show, describe or explain',
    ],
    [
      ['features', 'get', 'zone-fares', '7', '1O1', '--region', 'us-east-1'],
      '"1O1" is no key of zone-fares: pickup_location_id is a whole number, such as 236',
    ],
    [
      ['features', 'get', 'fares', '1', '--region', 'us-east-1'],
      'unknown view "fares": known are zone-balance, city-delay, zone-delay, route-delay, rider-activity, zone-fares',
    ],
    [
      ['features', 'get', 'zone-fares', '1', '--region', 'us-east-1', '--at', 'noon'],
      '--at "noon" is no time: write 2019-01-31T18:00:00Z',
    ],
    [['reconcile', 'trips', '--region', 'us-east-1'], NOT_RUNNING],
    [
      ['quarantine', 'show', 'trips', 'x', '--region', 'us-east-1'],
      '"x" is no quarantine id: write <shard>/<sequence>/<index>, as `quarantine list` prints it',
    ],
    [
      ['table', 'history', 'trip', '--region', 'us-east-1'],
      `unknown table "trip": known are ${TABLES}`,
    ],
    [
      ['table', 'files', 'trips_quarantine', '--region', 'us-east-1'],
      `trips_quarantine is no Iceberg table but files by date, which expire by themselves and have no snapshots: ask it with \`weir query\`; tables are ${TABLES}`,
    ],
    [
      ['table', 'list', 'trip', '--region', 'us-east-1'],
      'unknown product "trip": known are fraud, surge, trips',
    ],
    [['table', 'list', '--region', 'us-east-1'], NOT_RUNNING],
    [['table', 'compact', 'trips', '--region', 'us-east-1'], NOT_RUNNING],
    [['contract', 'check', '--against', 'nowhere'], 'git knows no commit "nowhere"'],
    [
      ['contract', 'check', 'nope'],
      'unknown product "nope": known are fraud, surge, trips; a file is given with its path',
    ],
    [['contract', 'check', './nope.yaml'], 'nope.yaml: there is no such file'],
    [
      ['up', '--regions', 'mars'],
      '--regions: "mars" is no AWS region: write one such as eu-west-1',
    ],
    [['status', '--cloud', 'azure'], 'cloud "azure" is neither "local" nor "aws"'],
    [
      ['down', '--cloud', 'aws'],
      'down ends the local cloud only: remove cells from AWS with `npx cdk destroy`, once their data may go',
    ],
  ])('%j says why in one line, without a stack trace', async (args, message) => {
    const plain = await weir(args)
    const json = await weir([...args, '--json'])

    expect(plain.exitCode).toBeGreaterThan(0)
    expect(plain.stderr).toBe(`weir: ${message}\n`)
    expect(plain.stdout).toBe('')
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { message } })
    expect(json.stderr).toBe(`weir: ${message}\n`)
  })

  it('shows where it happened with WEIR_DEBUG', async () => {
    const { stderr } = await weir(['status', '--cloud', 'azure'], { WEIR_DEBUG: '1' })

    expect(stderr).toMatch(/\n {4}at /)
  })
})

describe('contract check', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-contract-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('takes every product that there is', async () => {
    const { exitCode, stdout } = await weir(['contract', 'check', '--json'])

    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: true,
      files: ['fraud', 'surge', 'trips'].map((product) => ({ product, problems: [] })),
    })
  })

  it('names each problem with its file, line and column', async () => {
    const file = join(folder, 'contract.yaml')
    writeFileSync(
      file,
      'apiVersion: v3.1.0\nkind: DataContract\nid: x\nversion: 1.0.0\nstatus: odd\n',
    )

    const plain = await weir(['contract', 'check', file])
    const json = await weir(['contract', 'check', file, '--json'])

    expect(plain.exitCode).toBe(1)
    expect(plain.stdout).toBe('')
    for (const line of plain.stderr.trimEnd().split('\n')) {
      expect(line).toMatch(/^weir: .*contract\.yaml:\d+:\d+: \S/)
    }
    const parsed = JSON.parse(json.stdout)
    expect(parsed).toMatchObject({ valid: false, files: [{ product: null, version: null }] })
    expect(parsed.files[0].problems.length).toBe(plain.stderr.trimEnd().split('\n').length)
  })
})
