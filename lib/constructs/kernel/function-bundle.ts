import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { ProductBundle } from '#lib/domain/contract/product.ts'

/** Every function of a data product, by the folder that holds it. */
export const PRODUCT_FUNCTIONS = {
  'archive-events': 'functions/ingest/archive-events',
  'commit-snapshots': 'functions/lake/commit-snapshots',
  'update-windows': 'functions/process/update-windows',
  'get-features': 'functions/features/get-features',
} as const

export type FunctionName = keyof typeof PRODUCT_FUNCTIONS

export interface BundleOptions {
  /** The project: entries are looked up in it. */
  readonly root: string
  /** @default `<root>/dist` */
  readonly outDirectory?: string
  /** Folder of each function, relative to the root. @default {@link PRODUCT_FUNCTIONS} */
  readonly folders?: Readonly<Record<FunctionName, string>>
}

/** The code of every function, built once for all products and cells. */
export class FunctionBundles {
  private readonly directory: string
  private readonly staged = new Set<string>()

  private constructor(directory: string) {
    this.directory = directory
  }

  /** One esbuild run for all functions; the AWS SDK is bundled, of which only the used part remains. */
  static async build(options: BundleOptions): Promise<FunctionBundles> {
    const directory = options.outDirectory ?? join(options.root, 'dist')
    const folders = Object.entries(options.folders ?? PRODUCT_FUNCTIONS)
    await build({
      absWorkingDir: options.root,
      entryPoints: folders.map(([name, folder]) => ({
        in: join(options.root, folder, 'index.ts'),
        out: `${name}/index`,
      })),
      outdir: join(directory, 'functions'),
      outExtension: { '.js': '.mjs' },
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
    return new FunctionBundles(directory)
  }

  /** Bundles that an earlier {@link FunctionBundles.build} left in a directory. */
  static at(directory: string): FunctionBundles {
    return new FunctionBundles(directory)
  }

  /**
   * A folder with the function's code and, beside it, what it has to know about the product: what is deployed
   * as one function. The same folder serves every cell.
   */
  stage(name: FunctionName, product: { readonly name: string } & ProductBundle): string {
    const folder = join(this.directory, 'assets', product.name, name)
    if (this.staged.has(folder)) return folder
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    copyFileSync(join(this.directory, 'functions', name, 'index.mjs'), join(folder, 'index.mjs'))
    const { documents, views } = product
    writeFileSync(join(folder, 'product.json'), JSON.stringify({ documents, views }))
    this.staged.add(folder)
    return folder
  }
}
