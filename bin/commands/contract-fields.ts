import type { Command } from 'commander'
import {
  FIELD_KINDS_MARK,
  type FieldKindsModule,
  fieldKindsModule,
} from '#lib/domain/contract/types/field-kinds.ts'
import { type CommandContext, productNamed } from './context.ts'
import { writeGenerated } from './generated-file.ts'
import type { Run } from './program.ts'

export interface ContractFields extends FieldKindsModule {
  readonly product: string
  /** Where it was written; null if it was only printed. */
  readonly file: string | null
}

/** TypeScript types of a product's fields for those who define views, written to a file if one is named. */
export async function contractFields(
  context: CommandContext,
  name: string,
  file?: string,
): Promise<ContractFields> {
  const { sources } = await productNamed(context, name)
  const generated = fieldKindsModule(sources.map((source) => source.contract))
  if (file !== undefined) await writeGenerated(file, generated.text, FIELD_KINDS_MARK)
  return { product: name, file: file ?? null, ...generated }
}

export function registerFields(contract: Command, run: Run): void {
  contract
    .command('fields')
    .summary('TypeScript types for those who define features')
    .description(
      'Writes the names of a product’s fields and what each is of, from its contract: with them a view that names no field, or one of the wrong kind, does not compile.',
    )
    .argument('<product>', 'the data product, such as trips')
    .option('--out <file>', 'write this file (default: print)')
    .addHelpText(
      'after',
      [
        '',
        'Example:',
        '  npm run weir -- contract fields trips --out products/trips/fields.ts',
        '',
        'With --json: {product, file, text, types: [{major, version, name}]}.',
      ].join('\n'),
    )
    .action((product: string, options: { out?: string }, command: Command) =>
      run(command, async (context) => {
        const fields = await contractFields(context, product, options.out)
        context.terminal.document(fields)
        if (fields.file === null) context.terminal.line(fields.text.trimEnd())
        else context.terminal.line(`${fields.file}: fields of ${product}`)
      }),
    )
}
