import { dirname, join } from 'node:path'
import ts from 'typescript'
import { root } from './weir.ts'

/** The project's own settings, and a stricter reading of what may be absent. */
const options: ts.CompilerOptions = {
  ...ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    root,
    { exactOptionalPropertyTypes: true, types: [] },
  ).options,
}

const libraries = new Map<string, ts.SourceFile | undefined>()

/** Files that are held by nobody but the test; names are paths in the project. */
export class TypeCheck {
  readonly #program: ts.Program

  constructor(files: Readonly<Record<string, string>>, types: readonly string[] = []) {
    const texts = new Map(Object.entries(files).map(([name, text]) => [join(root, name), text]))
    const folders = new Set([...texts.keys()].flatMap(parents))
    const settings = { ...options, types: [...types] }
    const plain = ts.createCompilerHost(settings)
    const host: ts.CompilerHost = {
      ...plain,
      fileExists: (name) => texts.has(name) || plain.fileExists(name),
      directoryExists: (name) => folders.has(name) || plain.directoryExists!(name),
      readFile: (name) => texts.get(name) ?? plain.readFile(name),
      getSourceFile(name, languageVersion) {
        const text = texts.get(name)
        if (text !== undefined) return ts.createSourceFile(name, text, languageVersion, true)
        if (!libraries.has(name)) libraries.set(name, plain.getSourceFile(name, languageVersion))
        return libraries.get(name)
      },
    }
    this.#program = ts.createProgram([...texts.keys()], settings, host)
  }

  /** What is wrong with a file, as `tsc` says it. */
  problems(name: string): string[] {
    const source = this.source(name)
    const found = [
      ...this.#program.getSyntacticDiagnostics(source),
      ...this.#program.getSemanticDiagnostics(source),
    ]
    return found.map((one) => ts.flattenDiagnosticMessageText(one.messageText, '\n'))
  }

  source(name: string): ts.SourceFile {
    const source = this.#program.getSourceFile(join(root, name))
    if (source === undefined) throw new Error(`${name} is no file of this check`)
    return source
  }
}

function parents(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [] : [parent, ...parents(parent)]
}
