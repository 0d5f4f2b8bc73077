import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { build } from 'esbuild'
import type { ProductBundle } from '#lib/domain/contract/product.ts'

/** Every function of a data product, by the folder that holds it. */
export const PRODUCT_FUNCTIONS = {
  'archive-events': 'functions/ingest/archive-events',
  'commit-snapshots': 'functions/lake/commit-snapshots',
  'maintain-table': 'functions/lake/maintain-table',
  'update-windows': 'functions/process/update-windows',
  'finalize-windows': 'functions/process/finalize-windows',
  'get-features': 'functions/features/get-features',
  decide: 'functions/features/decide',
  'step-backfill': 'functions/backfill/step-backfill',
  'run-backfill-chunk': 'functions/backfill/run-backfill-chunk',
  'publish-features': 'functions/features/publish-features',
} as const

export type FunctionName = keyof typeof PRODUCT_FUNCTIONS

/** Lambda runs as another user; whoever deploys may have a strict umask. */
const READABLE = { mode: 0o644 }

/** The code of every function, built once for all products and cells. */
export class FunctionBundles {
  private readonly code: ReadonlyMap<FunctionName, Uint8Array>
  private readonly directory: string

  /** Code that is built already, and the folder in which it is laid out for deployment. */
  constructor(code: ReadonlyMap<FunctionName, Uint8Array>, directory: string) {
    this.code = code
    this.directory = directory
  }

  /**
   * One esbuild run for all functions of a project. Of the AWS SDK only the used part is bundled. Code and source
   * maps are left in `<directory>/functions`.
   */
  static async build(root: string, directory = join(root, 'dist')): Promise<FunctionBundles> {
    const { outputFiles } = await build({
      absWorkingDir: root,
      entryPoints: Object.entries(PRODUCT_FUNCTIONS).map(([name, folder]) => ({
        in: join(root, folder, 'index.ts'),
        out: `${name}/index`,
      })),
      outdir: join(directory, 'functions'),
      outExtension: { '.js': '.mjs' },
      write: false,
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      mainFields: ['module', 'main'],
      minify: true,
      legalComments: 'none',
      // Beside the bundle, not in it: the map is for reading stack traces and would only slow a cold start.
      sourcemap: 'external',
      // CommonJS packages inside an ES module still call `require` for Node's own modules.
      banner: {
        js: "import { createRequire as createBundleRequire } from 'node:module';const require = createBundleRequire(import.meta.url);",
      },
      logLevel: 'error',
    })
    const code = new Map<FunctionName, Uint8Array>()
    for (const { path, contents } of outputFiles) {
      writeWhole(path, contents)
      if (path.endsWith('.mjs')) code.set(basename(dirname(path)) as FunctionName, contents)
    }
    return new FunctionBundles(code, directory)
  }

  /**
   * A folder with the function's code and, beside it, what it has to know about the product: what is deployed as
   * one function, in every cell. It is named by its content, so two synths at once cannot disturb each other.
   */
  stage(name: FunctionName, product: { readonly name: string } & ProductBundle): string {
    const code = this.code.get(name)
    if (code === undefined) throw new Error(`function "${name}" was not bundled`)
    const { documents, views, decisions } = product
    const known = JSON.stringify({ documents, views, ...(name === 'decide' && { decisions }) })
    const content = createHash('sha256').update(code).update(known).digest('hex').slice(0, 16)
    const folder = join(this.directory, 'assets', product.name, `${name}-${content}`)
    if (existsSync(folder)) return folder
    mkdirSync(dirname(folder), { recursive: true })
    const draft = mkdtempSync(`${folder}.`)
    writeFileSync(join(draft, 'index.mjs'), code, READABLE)
    writeFileSync(join(draft, 'product.json'), known, READABLE)
    try {
      renameSync(draft, folder)
    } catch (error) {
      rmSync(draft, { recursive: true })
      // Another synth was faster, with the same content.
      if (!existsSync(folder)) throw error
    }
    return folder
  }
}

/** Writes a file so that nobody ever reads half of it. */
function writeWhole(path: string, contents: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  writeFileSync(draft, contents)
  renameSync(draft, path)
}
