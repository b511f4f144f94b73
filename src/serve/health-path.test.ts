import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withHealthPath } from './health-path.ts'

const app = (request: Request) => new Response(`app ${request.method}`)

test('the path is answered before the application, everything else by it', async () => {
  let ready = true
  const fetch = withHealthPath(app, '/-/ready', () => ready)
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(new Request(`http://a${path}`, { method }))
    return [response.status, await response.text()]
  }
  assert.deepEqual(await ask('/-/ready'), [200, 'ok\n'])
  assert.deepEqual(await ask('/-/ready?from=lb'), [200, 'ok\n'])
  ready = false
  assert.deepEqual(await ask('/-/ready'), [503, 'draining\n'])
  for (const [path, method] of [
    ['/', 'GET'],
    ['/-/ready/', 'GET'],
    ['/-/readyz', 'GET'],
    ['/?/-/ready', 'GET'],
    ['/-/ready', 'POST'],
  ] as const) {
    assert.deepEqual(await ask(path, method), [200, `app ${method}`], path)
  }
})

test('what is not a path, and what is not an application, are errors', () => {
  for (const path of ['', 'healthz', '/a?b', '/a b', 'http://a/healthz', '/ä', '/#']) {
    assert.throws(() => withHealthPath(app, path, () => true), /healthPath.*accepted: a path/, path)
  }
  assert.throws(() => withHealthPath({} as never, '/healthz', () => true), /neither a fetch function/)
})
