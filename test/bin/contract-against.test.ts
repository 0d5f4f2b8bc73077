import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../bin/commands/all.ts'
import { runProgram } from '../../bin/commands/program.ts'

const ROOT = join(import.meta.dirname, '../..')
const CURRENT = readFileSync(join(ROOT, 'products/trips/contract.yaml'), 'utf8')

/** A project of its own, in a git repository with one commit. */
let root = ''
const contract = () => join(root, 'products/trips/contract.yaml')
const past = (name: string) => join(root, 'products/trips/past-contracts', name)

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'against-'))
  mkdirSync(join(root, 'products/trips/past-contracts'), { recursive: true })
  writeFileSync(contract(), CURRENT)
  const git = (...args: string[]) =>
    execFileSync('git', [
      '-C',
      root,
      '-c',
      'user.name=t',
      '-c',
      'user.email=t@example.com',
      ...args,
    ])
  git('init', '-q', '-b', 'main')
  git('add', '.')
  git('commit', '-q', '-m', 'first')
})
beforeEach(() => {
  rmSync(join(root, 'products/trips'), { recursive: true })
  mkdirSync(join(root, 'products/trips/past-contracts'), { recursive: true })
  writeFileSync(contract(), CURRENT)
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function check(...args: readonly string[]) {
  const written = { out: '', err: '' }
  const exitCode = await runProgram(['contract', 'check', ...args], COMMANDS, {
    root,
    environment: { ...process.env },
    stdout: { write: (text) => (written.out += text) },
    stderr: { write: (text) => (written.err += text) },
    signal: new AbortController().signal,
  })
  return { exitCode, ...written }
}

/** The contract with these texts replaced, as it now stands in the project. */
function change(...replacements: readonly (readonly [before: string, after: string])[]): void {
  let text = readFileSync(contract(), 'utf8')
  for (const [before, after] of replacements) {
    expect(text).toContain(before)
    text = text.replace(before, after)
  }
  writeFileSync(contract(), text)
}

const RENAME = ['- name: fare_amount', '- name: fare'] as const
const WIDEN = ['maximum: 99', 'maximum: 999'] as const
const version = (next: string) => ['version: "1.0.0"', `version: "${next}"`] as const

describe('contract check --against a git ref', () => {
  it('is content if nothing changed', async () => {
    const { exitCode, out } = await check('--against', 'main')

    expect([exitCode, out]).toEqual([0, expect.stringContaining('trips 1.0.0 may follow 1.0.0')])
  })

  it('prints both lines of a break and fails', async () => {
    change(RENAME)

    const { exitCode, err } = await check('--against', 'HEAD')

    const line = CURRENT.slice(0, CURRENT.indexOf(RENAME[0])).split('\n').length
    expect(exitCode).toBe(1)
    expect(err).toContain(
      'breaking: fieldRenamed fare: weir.fieldId 20 is "fare" and was "fare_amount"',
    )
    expect(err).toMatch(
      new RegExp(`  - HEAD:.*products/trips/contract.yaml:${line}:       - name: fare_amount\n`),
    )
    expect(err).toMatch(
      new RegExp(`  \\+ .*products/trips/contract.yaml:${line}:       - name: fare\n`),
    )
    expect(err).toContain("needs a new major version, not 1.0.0: write version: '2.0.0'")
  })

  it('lets a break pass with a new major version and the old one kept', async () => {
    change(RENAME, version('2.0.0'))
    writeFileSync(past('1.0.0.yaml'), CURRENT)

    const { exitCode, out } = await check('--against', 'HEAD')

    expect(exitCode).toBe(0)
    expect(out).toContain('breaking: fieldRenamed fare')
    expect(out).toContain('trips 2.0.0 may follow 1.0.0')
  })

  it('wants a new version for a compatible change', async () => {
    change(WIDEN)

    const { exitCode, err } = await check('--against', 'HEAD')

    expect(exitCode).toBe(1)
    expect(err).toContain('compatible: constraintLoosened vendor_id: maximum 999 was 99')
    expect(err).toContain("still 1.0.0: write version: '1.1.0'")
  })

  it('wants the version that may have judged batches to be kept, as it was', async () => {
    change(WIDEN, version('1.1.0'))

    const without = await check('--against', 'HEAD')
    writeFileSync(past('1.0.0.yaml'), CURRENT.replace('mobility', 'motion'))
    const changed = await check('--against', 'HEAD')
    writeFileSync(past('1.0.0.yaml'), CURRENT)
    const kept = await check('--against', 'HEAD')

    expect([without.exitCode, changed.exitCode, kept.exitCode]).toEqual([1, 1, 0])
    expect(without.err).toContain('version 1.0.0 may have judged batches: keep it with "git show')
    expect(changed.err).toContain('past-contracts/1.0.0.yaml is not what version 1.0.0 was')
  })

  it('wants no version behind one that was current', async () => {
    writeFileSync(past('0.9.0.yaml'), CURRENT.replace('1.0.0', '0.9.0'))

    const { exitCode, err } = await check('--against', 'HEAD')

    expect([exitCode, err]).toEqual([1, expect.stringContaining('new and older than 1.0.0')])
  })

  it('has one JSON document for all contracts', async () => {
    change(RENAME)

    const { exitCode, out } = await check('--against', 'HEAD', '--json')

    expect(exitCode).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      compatible: false,
      breaking: [
        {
          kind: 'fieldRenamed',
          field: 'fare',
          before: { line: expect.any(Number), text: '      - name: fare_amount' },
          after: { line: expect.any(Number), text: '      - name: fare' },
        },
      ],
      contracts: [{ product: 'trips', version: '1.0.0', needs: '2.0.0' }],
    })
  })

  it('takes a contract that was not there yet as new', async () => {
    mkdirSync(join(root, 'products/rides'))
    const rides = CURRENT.replace('dataProduct: trips', 'dataProduct: rides').replace(
      '  - name: trips',
      '  - name: rides',
    )
    writeFileSync(join(root, 'products/rides/contract.yaml'), rides)

    const { exitCode, out } = await check('rides', '--against', 'HEAD')
    rmSync(join(root, 'products/rides'), { recursive: true })

    expect([exitCode, out]).toEqual([0, expect.stringContaining('rides 1.0.0 is new')])
  })

  it.each(['nowhere', '--output=x', ''])('says in one line that %j is no ref', async (ref) => {
    const { exitCode, err } = await check(`--against=${ref}`)

    expect([exitCode, err]).toEqual([1, `weir: git knows no commit ${JSON.stringify(ref)}\n`])
  })

  it('says in one line that there is no repository', async () => {
    const bare = mkdtempSync(join(tmpdir(), 'bare-'))
    writeFileSync(join(bare, 'contract.yaml'), CURRENT)

    const { exitCode, err } = await check(join(bare, 'contract.yaml'), '--against', 'HEAD')
    rmSync(bare, { recursive: true })

    expect([exitCode, err]).toEqual([1, `weir: ${bare} is in no git repository\n`])
  })
})

describe('contract check --against a file', () => {
  it('compares it with the product that it names', async () => {
    change(RENAME)
    const old = join(root, 'old.yaml')
    writeFileSync(old, CURRENT)

    const { exitCode, err } = await check('--against', old)

    expect(exitCode).toBe(1)
    expect(err).toMatch(/ {2}- .*old.yaml:\d+: {7}- name: fare_amount/)
  })

  it('says what is wrong with it', async () => {
    const old = join(root, 'old.yaml')
    writeFileSync(old, CURRENT.replace('status: active', ''))

    const { exitCode, err } = await check('--against', old)

    expect([exitCode, err]).toEqual([1, expect.stringMatching(/old\.yaml:1:1: status is missing/)])
  })
})
