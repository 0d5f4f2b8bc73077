import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { productNames } from '#lib/adapters/files/product-files.ts'
import { ensureVenv } from '#local/local-cloud.ts'
import { root, run } from '#test/support/weir.ts'

it('cfn-lint finds no error in the templates that were deployed', async () => {
  const python = await ensureVenv(
    process.env.WEIR_VENV_CACHE || join(root, '.weir'),
    join(root, 'test/integration/requirements.txt'),
  )
  const assembly = join(root, `.weir/cdk.out-${process.env.WEIR_PORT}`)
  const files = (await readdir(assembly)).filter((file) => file.endsWith('.template.json'))
  const templates = files.map((file) => join(assembly, file))

  const outcome = await run(join(dirname(python), 'cfn-lint'), [
    '--non-zero-exit-code',
    'error',
    '--ignore-checks',
    'W',
    '--format',
    'parseable',
    '--',
    ...templates,
  ])

  // Of each of two cells: what it keeps, its alarms, and a stack per product.
  expect(templates).toHaveLength(2 * (2 + (await productNames(root)).length))
  expect(outcome).toEqual({ exitCode: 0, stdout: '', stderr: '' })
})
