import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { build } from 'esbuild'

const ENTRY = 'lib/producer.ts'
const NAME = 'weir-producer'

/** Makes `weir-producer-<version>.tgz` in the folder. Its path. */
export async function packProducer(root: string, into: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-producer-'))
  try {
    const imported = await bundle(root, join(folder, 'producer.js'))
    declareTypes(root, join(folder, 'types'))
    const project = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const manifest = {
      name: NAME,
      version: project.version,
      description:
        'Sends events to a Weir stream: packed, compressed, in order, each one or named.',
      license: project.license,
      type: 'module',
      engines: { node: '>=22.15' },
      exports: { '.': { types: './types/lib/producer.d.ts', default: './producer.js' } },
      dependencies: Object.fromEntries(
        imported.map((name) => [name, versionOf(name, project.dependencies)]),
      ),
    }
    writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
    mkdirSync(into, { recursive: true })
    const [packed] = JSON.parse(
      execFileSync('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', into], {
        cwd: folder,
        encoding: 'utf8',
      }),
    )
    return join(into, packed.filename)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One file of JavaScript. The packages that it imports. */
async function bundle(root: string, outfile: string): Promise<readonly string[]> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [ENTRY],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node22',
    metafile: true,
    logLevel: 'error',
  })
  const paths = Object.values(metafile.outputs).flatMap(({ imports }) => imports)
  const names = paths.map(({ path }) => path).filter((path) => !path.startsWith('node:'))
  return [...new Set(names)].sort()
}

/** Declarations of what the entry reaches, each import relative: the package has no aliases. */
function declareTypes(root: string, outDir: string): void {
  const config = join(outDir, '..', 'tsconfig.json')
  const options = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      emitDeclarationOnly: true,
      rootDir: root,
      outDir,
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    files: [join(root, ENTRY)],
    include: [],
  }
  writeFileSync(config, JSON.stringify(options))
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', config], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  rmSync(config)
  for (const file of globSync('**/*.d.ts', { cwd: outDir })) {
    const path = join(outDir, file)
    const toLib = relative(dirname(path), join(outDir, 'lib'))
    const text = readFileSync(path, 'utf8').replace(
      /(['"])(#lib|\.{1,2})\/([^'"]*)\.ts\1/g,
      (_all, quote, start, rest) => {
        const from = start === '#lib' ? (toLib.startsWith('.') ? toLib : `./${toLib}`) : start
        return `${quote}${from}/${rest}.js${quote}`
      },
    )
    writeFileSync(path, text)
  }
}

function versionOf(name: string, dependencies: Readonly<Record<string, string>>): string {
  const version = dependencies[name]
  if (version === undefined) throw new Error(`${NAME} imports ${name}, which is no dependency`)
  return version
}
