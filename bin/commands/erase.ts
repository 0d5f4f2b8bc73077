import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parse } from 'csv-parse/sync'
import { loadProducts } from '#lib/adapters/files/product-files.ts'
import type { Product } from '#lib/domain/contract/product.ts'
import { isSealed } from '#lib/domain/contract/stored-form.ts'
import { hasCode } from '#lib/domain/kernel/errors.ts'
import { type Certificate, parseCertificate } from '#lib/domain/privacy/certificate.ts'
import { certificateFaults, eraseAgain, eraseSubjects } from '#lib/domain/privacy/erase-subjects.ts'
import { type DeployedCell, deployedCells } from './cells.ts'
import type { CommandContext } from './context.ts'
import { erasingIn } from './erasing-cell.ts'
import { CommandError } from './failure.ts'
import type { Register, Run } from './program.ts'
import { counted, table } from './terminal.ts'

interface PersonOptions {
  readonly reason: string
  readonly kind?: string
}

interface EraseOptions {
  readonly reason?: string
  readonly kind?: string
  readonly file?: string
  readonly out?: string
}

/** Destroys the keys of people in every deployed cell; one certificate per cell. */
export async function erase(
  context: CommandContext,
  subject: string | undefined,
  options: EraseOptions,
): Promise<readonly Certificate[]> {
  const { reason } = options
  if (reason === undefined) {
    throw new CommandError('erase.reason', 'say why with --reason: it stands in the certificate', {
      exitCode: 2,
    })
  }
  const subjects = await namedSubjects(subject, options.file)
  const { kind, products } = await peopleOf(context, options.kind)
  const certificates: Certificate[] = []
  for (const cell of await cellsOf(context)) {
    const deps = await erasingIn(context, cell, products)
    certificates.push(await asCommand(() => eraseSubjects(deps, { kind, subjects, reason })))
  }
  return certificates
}

async function namedSubjects(
  subject: string | undefined,
  file: string | undefined,
): Promise<readonly string[]> {
  if ((subject === undefined) === (file === undefined)) {
    throw new CommandError('erase.whom', 'name one person, or a file with --file: not both', {
      exitCode: 2,
    })
  }
  if (subject !== undefined) return [subject]
  const text = await readFile(file!, 'utf8').catch((cause: unknown) => {
    throw new CommandError('erase.file', `${file} cannot be read`, { exitCode: 2, cause })
  })
  const rows: string[][] = parse(text, { relax_column_count: true, skip_empty_lines: true })
  const subjects = rows.map(([first = '']) => first.trim()).filter((one) => one !== '')
  if (subjects.length > 0) return subjects
  throw new CommandError('erase.file', `${file} names nobody: write one person per line`, {
    exitCode: 2,
  })
}

/** What people are to the products: the one kind there is, or the one that was named. */
async function peopleOf(
  context: CommandContext,
  named: string | undefined,
): Promise<{ readonly kind: string; readonly products: readonly Product[] }> {
  const sealed = (await loadProducts(context.root)).filter(({ contract }) => isSealed(contract))
  const kinds = [...new Set(sealed.map(({ contract }) => contract.subject!))]
  const kind = named ?? (kinds.length === 1 ? kinds[0]! : undefined)
  if (kind !== undefined && kinds.includes(kind)) {
    return { kind, products: sealed.filter(({ contract }) => contract.subject === kind) }
  }
  const known = kinds.join(', ') || 'none: no product has personal fields'
  throw new CommandError(
    'erase.kind',
    named === undefined
      ? `say with --kind what the person is to the products: ${known}`
      : `no product knows people as "${named}": known are ${known}`,
    { exitCode: 2 },
  )
}

async function cellsOf(context: CommandContext): Promise<readonly DeployedCell[]> {
  const cells = await deployedCells(context)
  if (cells.length > 0) return cells
  throw new CommandError('cell.unknown', 'no cell is deployed: run `npm run weir -- up`')
}

async function asCommand<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    for (const code of ['privacy.held', 'privacy.notErased', 'privacy.certificatesBusy']) {
      if (hasCode(error, code)) throw new CommandError(code, error.message, { cause: error })
    }
    throw error
  }
}

/** Whether certificates of a file are true: by signature, chain and key table of their cells. */
export async function verifyCertificates(
  context: CommandContext,
  file: string,
): Promise<
  readonly { readonly cell: string; readonly number: number; readonly faults: readonly string[] }[]
> {
  const certificates = await certificatesIn(file)
  const deps = await Promise.all(
    (await cellsOf(context)).map((cell) => erasingIn(context, cell, [])),
  )
  return Promise.all(
    certificates.map(async (certificate) => {
      const { cell, number } = certificate
      const own = deps.find((one) => one.cell === cell)
      const faults =
        own === undefined
          ? [`no cell "${cell}" is deployed here: nobody else can check it`]
          : await certificateFaults(own, certificate)
      return { cell, number, faults }
    }),
  )
}

async function certificatesIn(file: string): Promise<readonly Certificate[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CommandError('erase.file', `${file} cannot be read`, { exitCode: 2, cause })
  })
  const one = parseCertificate(text)
  if (one !== undefined) return [one]
  let list: unknown
  try {
    list = JSON.parse(text).certificates
  } catch {
    list = undefined
  }
  const parsed = Array.isArray(list)
    ? list.map((each) => parseCertificate(JSON.stringify(each)))
    : [undefined]
  if (parsed.length > 0 && parsed.every((each) => each !== undefined)) return parsed
  throw new CommandError('erase.noCertificate', `${file} is no certificate of \`weir erase\``, {
    exitCode: 2,
  })
}

export const registerErase: Register = (program, run) => {
  const command = program
    .command('erase')
    .summary('erase people, with proof')
    .description(
      [
        'Destroys the keys of people in every deployed cell: what was stored of them is unreadable from then on, rows are',
        'counted as before, and no key is made for them again. Answers a signed certificate per cell. May be repeated, and goes',
        'on where it broke off.',
      ].join(' '),
    )
    .argument('[person]', 'whom, as the contract’s weir.subject names them')
    .enablePositionalOptions()
    .option('--reason <text>', 'why: it stands in the certificate')
    .option('--kind <field>', 'the field that names them, where products have several')
    .option('--file <csv>', 'many people: one per line, in the first column')
    .option('--out <file>', 'write the certificates here, too')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run weir -- erase rider-000042 --reason "asked to, ticket 7" --out certificates.json',
        '  npm run weir -- erase --file people.csv --reason "accounts closed in October"',
        '  npm run weir -- erase verify certificates.json',
        '',
        'With --json: {certificates: [{cell, number, kind, reason, issuedAt, subjects: [{lookup, outcome, erasedAt}], checks,',
        'dates: {unreadableSince, goneFromStreamAt, unrecoverableFrom}, previousHash, hash, signature}]}.',
      ].join('\n'),
    )
    .action((subject: string | undefined, options: EraseOptions, own: Command) =>
      run(own, async (context) => {
        const certificates = await erase(context, subject, options)
        const { terminal } = context
        if (options.out !== undefined) {
          await writeFile(options.out, `${JSON.stringify({ certificates }, null, 2)}\n`)
        }
        terminal.document({ certificates })
        for (const { cell, number, subjects, dates } of certificates) {
          const of = (outcome: string) => subjects.filter((one) => one.outcome === outcome).length
          terminal.line(
            `${cell}: ${of('erased')} erased, ${of('erasedBefore')} before, ${of('unknown')} unknown here; certificate ${number}`,
          )
          terminal.line(
            table(
              ['what was stored is', ''],
              [
                ['unreadable since', dates.unreadableSince],
                ['gone from the streams at', dates.goneFromStreamAt],
                ['in no backup of the keys from', dates.unrecoverableFrom],
              ],
            ),
          )
        }
      }),
    )
  command.helpCommand(false)
  registerVerify(command, run)
  registerHolds(command, run)
  registerAgain(command, run)
}

function registerVerify(parent: Command, run: Run): void {
  parent
    .command('verify')
    .summary('check a certificate')
    .description(
      'Checks content, signature and chain of certificates, and that their people are erased still.',
    )
    .argument('<certificate>', 'the file that `weir erase --out` wrote')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- erase verify certificates.json',
        '',
        'With --json: {valid, certificates: [{cell, number, faults}]}.',
      ].join('\n'),
    )
    .action((file: string, _options: object, own: Command) =>
      run(own, async (context) => {
        const results = await verifyCertificates(context, file)
        const { terminal } = context
        const wrong = results.filter(({ faults }) => faults.length > 0)
        const document = { valid: wrong.length === 0, certificates: results }
        if (wrong.length > 0) {
          const [{ cell, number, faults }] = wrong as [(typeof wrong)[0]]
          throw new CommandError(
            'erase.invalid',
            `certificate ${number} of ${cell} is not true: ${faults.join('; ')}`,
            { document },
          )
        }
        terminal.document(document)
        for (const { cell, number } of results)
          terminal.line(`certificate ${number} of ${cell} is true`)
      }),
    )
}

function registerHolds(parent: Command, run: Run): void {
  const held =
    (place: boolean) =>
    async (context: CommandContext, subject: string, options: PersonOptions) => {
      const { kind, products } = await peopleOf(context, options.kind)
      let cells = 0
      for (const cell of await cellsOf(context)) {
        const { ledger, lookupOf, clock } = await erasingIn(context, cell, products)
        const lookup = lookupOf(kind, subject)
        const since = new Date(clock.nowMs()).toISOString()
        if (place) await ledger.placeHold({ lookup, reason: options.reason, since })
        cells += place || (await ledger.liftHold(lookup)) ? 1 : 0
      }
      return cells
    }
  parent
    .command('hold')
    .summary('keep a person from being erased')
    .description(
      'Places a legal hold: until it is lifted, erasing the person is refused with the reason.',
    )
    .argument('<person>', 'whom')
    .requiredOption('--reason <text>', 'why they must not be erased')
    .option('--kind <field>', 'the field that names them, where products have several')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- erase hold rider-000042 --reason "case 7"',
        '',
        'With --json: {held, cells}.',
      ].join('\n'),
    )
    .action((subject: string, options: PersonOptions, own: Command) =>
      run(own, async (context) => {
        const cells = await held(true)(context, subject, options)
        context.terminal.document({ held: true, cells })
        context.terminal.line(`held in ${counted(cells, 'cell')}`)
      }),
    )
  parent
    .command('lift')
    .summary('lift a hold')
    .description('Lifts a legal hold: the person may be erased again.')
    .argument('<person>', 'whom')
    .option('--kind <field>', 'the field that names them, where products have several')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- erase lift rider-000042',
        '',
        'With --json: {held, cells}.',
      ].join('\n'),
    )
    .action((subject: string, options: PersonOptions, own: Command) =>
      run(own, async (context) => {
        const cells = await held(false)(context, subject, options)
        context.terminal.document({ held: false, cells })
        context.terminal.line(
          cells === 0 ? 'there was no hold' : `lifted in ${counted(cells, 'cell')}`,
        )
      }),
    )
}

function registerAgain(parent: Command, run: Run): void {
  parent
    .command('restored')
    .summary('erase again after a key table was restored')
    .description(
      'Destroys once more whatever keys the ledger says were destroyed: to be run on a key table that was restored to an earlier time, before anything uses it.',
    )
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- erase restored',
        '',
        'With --json: {cells: [{cell, checked, erased}]}.',
      ].join('\n'),
    )
    .action((_options: object, own: Command) =>
      run(own, async (context) => {
        const cells: { cell: string; checked: number; erased: number }[] = []
        for (const deployed of await cellsOf(context)) {
          const { cell, table: keys, ledger } = await erasingIn(context, deployed, [])
          cells.push({ cell, ...(await eraseAgain(keys, ledger)) })
        }
        context.terminal.document({ cells })
        for (const { cell, checked, erased } of cells) {
          context.terminal.line(
            `${cell}: ${erased} of ${checked} had come back, and are erased again`,
          )
        }
      }),
    )
}
