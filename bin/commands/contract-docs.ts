import type { Command } from 'commander'
import { contractPage, PAGE_MARK } from '#lib/domain/contract/page/contract-page.ts'
import { parseExact } from '#lib/domain/lake/exact-json.ts'
import { type CommandContext, productNamed } from './context.ts'
import { writeGenerated } from './generated-file.ts'
import type { Run } from './program.ts'

export interface ContractDocs {
  readonly product: string
  readonly version: string
  /** Where it was written; null if it was only printed. */
  readonly file: string | null
  /** Markdown. */
  readonly text: string
  /** An event that the contract accepts; null if there is none to show. */
  readonly example: unknown
}

/** The page of a product's contract, written to a file if one is named. */
export async function contractDocs(
  context: CommandContext,
  name: string,
  file?: string,
): Promise<ContractDocs> {
  const product = await productNamed(context, name)
  const { text, example } = contractPage(product)
  if (file !== undefined) await writeGenerated(file, text, PAGE_MARK)
  const { version } = product.contract
  return {
    product: name,
    version,
    file: file ?? null,
    text,
    example: example.ok ? parseExact(example.text) : null,
  }
}

export function registerDocs(contract: Command, run: Run): void {
  contract
    .command('docs')
    .summary('a page about a product for those who send to it and read it')
    .description(
      [
        'Writes a page in Markdown, from a product’s contract: its fields, rules, times, tables and versions, why an event is',
        'rejected, an event that is accepted, how to send and how to query. Equal contracts give equal pages.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .option('--out <file>', 'write this file (default: print)')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run -s weir -- contract docs trips',
        '  npm run weir -- contract docs trips --out docs/products/trips.md',
        '',
        'With --json: {product, version, file, text, example}; example is an event, or null.',
      ].join('\n'),
    )
    .action((product: string, options: { out?: string }, command: Command) =>
      run(command, async (context) => {
        const docs = await contractDocs(context, product, options.out)
        context.terminal.document(docs)
        if (docs.file === null) context.terminal.line(docs.text.trimEnd())
        else context.terminal.line(`${docs.file}: page of ${product}`)
      }),
    )
}
