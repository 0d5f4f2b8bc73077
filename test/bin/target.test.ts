import { describe, expect, it } from 'vitest'
import { applyTarget, resolveTarget } from '../../bin/commands/target.ts'

describe('the cloud that a command talks to', () => {
  it('is the local cloud of the project, which never sees a person’s own credentials', () => {
    const environment = { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 's', AWS_PROFILE: 'p' }
    const target = resolveTarget(environment)
    const applied: NodeJS.ProcessEnv = { ...environment }
    applyTarget(target, applied)

    expect(target).toMatchObject({ kind: 'local', port: 4566, endpoint: 'http://127.0.0.1:4566' })
    expect(applied).toEqual({
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4566',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    })
  })

  it('is on the port that WEIR_PORT names', () => {
    expect(resolveTarget({ WEIR_PORT: '4600' }).endpoint).toBe('http://127.0.0.1:4600')
    for (const port of ['0', '65536', 'abc', '-1', '4566.5']) {
      expect(() => resolveTarget({ WEIR_PORT: port })).toThrow(`WEIR_PORT "${port}" is no port`)
    }
  })

  it('is what AWS_ENDPOINT_URL names, with the credentials that are there', () => {
    const target = resolveTarget({
      AWS_ENDPOINT_URL: 'http://cloud:9',
      AWS_ACCESS_KEY_ID: 'mine',
      AWS_SECRET_ACCESS_KEY: 'secret',
    })

    expect(target).toMatchObject({ kind: 'endpoint', endpoint: 'http://cloud:9' })
    expect(target.environment).toMatchObject({ AWS_ACCESS_KEY_ID: 'mine' })
  })

  it('is AWS if asked for, whatever endpoint is around', () => {
    const environment: NodeJS.ProcessEnv = { AWS_ENDPOINT_URL: 'http://cloud:9', AWS_PROFILE: 'p' }
    const target = resolveTarget(environment, 'aws')
    applyTarget(target, environment)

    expect(target.kind).toBe('aws')
    expect(environment).toEqual({ AWS_PROFILE: 'p' })
    expect(resolveTarget({ WEIR_CLOUD: 'aws' }).kind).toBe('aws')
  })

  it('is nothing else', () => {
    expect(() => resolveTarget({}, 'azure')).toThrow('cloud "azure" is neither "local" nor "aws"')
  })
})
