import type { Command } from 'commander'
import { TYPES_MARK, type TypeModule, typeModule } from '#lib/domain/contract/types/type-module.ts'
import { type CommandContext, productNamed } from './context.ts'
import { writeGenerated } from './generated-file.ts'
import type { Run } from './program.ts'

export interface ContractTypes extends TypeModule {
  readonly product: string
  /** Where it was written; null if it was only printed. */
  readonly file: string | null
}

/** TypeScript types of what a product accepts, written to a file if one is named. */
export async function contractTypes(
  context: CommandContext,
  name: string,
  file?: string,
): Promise<ContractTypes> {
  const { sources } = await productNamed(context, name)
  const generated = typeModule(sources.map((source) => source.contract))
  if (file !== undefined) await writeGenerated(file, generated.text, TYPES_MARK)
  return { product: name, file: file ?? null, ...generated }
}

export function registerTypes(contract: Command, run: Run): void {
  contract
    .command('types')
    .summary('TypeScript types for producers')
    .description(
      [
        'Writes the types of a product’s events, from its contract: of the data, of the CloudEvent around it, and of each',
        'major version where there are several. Equal contracts give equal files.',
      ].join(' '),
    )
    .argument('<product>', 'the data product, such as trips')
    .option('--out <file>', 'write this file (default: print)')
    .addHelpText(
      'after',
      [
        '',
        'Examples:',
        '  npm run -s weir -- contract types trips > trips.ts',
        '  npm run weir -- contract types trips --out src/events/trips.ts',
        '',
        'With --json: {product, file, text, majors: [{major, version, namespace, event, data}]}; event and data are names of types.',
      ].join('\n'),
    )
    .action((product: string, options: { out?: string }, command: Command) =>
      run(command, async (context) => {
        const types = await contractTypes(context, product, options.out)
        context.terminal.document(types)
        if (types.file === null) context.terminal.line(types.text.trimEnd())
        else context.terminal.line(`${types.file}: types of ${product}`)
      }),
    )
}
