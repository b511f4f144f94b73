/** `hangup probe --healthz`: what a container's health check needs, on each runtime. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTls } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { illness } from '../../src/probe/healthz.ts'
import { run } from '../lib/program.ts'
import { hangupOn, root, runtimeNames } from '../lib/runtimes.ts'

const folder = mkdtempSync(join(tmpdir(), 'hangup-healthz-'))
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close().closeAllConnections()
  rmSync(folder, { recursive: true })
})

const seen: string[] = []
const answer: RequestListener = (request, response) => {
  seen.push(`${request.method} ${request.url}`)
  if (request.url === '/silent') return
  response.statusCode = request.url === '/ready' ? 204 : 503
  response.end()
}

async function listening(server: Server, ...where: [number, string] | [string]): Promise<number> {
  servers.push(server)
  server.listen(...(where as [number, string]))
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const pem = (name: string) => readFileSync(`${root}test/fixtures/tls/${name}.pem`, 'utf8')
const socket = join(folder, 'a.sock')
const [port, tlsPort] = await Promise.all([
  listening(createServer(answer), 0, '127.0.0.1'),
  listening(createTls({ cert: pem('cert'), key: pem('key') }, answer), 0, '127.0.0.1'),
  listening(createServer(answer), socket),
])

describe('hangup probe --healthz', { concurrency: true }, () => {
  for (const runtime of runtimeNames) {
    const checked = async (...argv: string[]) => {
      const { code: status, stdout, stderr } = await run(null, hangupOn(runtime, 'probe', '--healthz', ...argv))
      return { status, said: stdout + stderr }
    }

    test(`on ${runtime}: 2xx is healthy, all else is not, in one line`, { timeout: 30_000 }, async () => {
      const healthy = [
        [`http://127.0.0.1:${port}/ready`],
        [`unix:${socket}:/ready`],
        ['--insecure', `https://127.0.0.1:${tlsPort}/ready`],
      ]
      const ill: [string[], RegExp][] = [
        [[`http://127.0.0.1:${port}/`], /^hangup: http:\/\/127\.0\.0\.1:\d+\/: the response is 503\n$/],
        [[`unix:${socket}`], /^hangup: unix:\S+\.sock: the response is 503\n$/],
        [[`unix:${socket}.not`], /^hangup: unix:.*ENOENT.*\n$/],
        [['http://127.0.0.1:1/'], /^hangup: http:\/\/127\.0\.0\.1:1\/: .*ECONNREFUSED.*\n$/],
        [[`https://127.0.0.1:${tlsPort}/ready`], /^hangup: https:.*certificate.*\n$/i],
        [['--limit', '300ms', `http://127.0.0.1:${port}/silent`], /: no response within 0\.3 s\n$/],
        [['nonsense'], /^hangup: nonsense: not a URL; expected http:\/\/host:port\/page, .* or unix:\/path:\/page\n$/],
      ]
      const [well, unwell] = await Promise.all([
        Promise.all(healthy.map((argv) => checked(...argv))),
        Promise.all(ill.map(([argv]) => checked(...argv))),
      ])
      assert.deepEqual(
        well,
        healthy.map(() => ({ status: 0, said: '' })),
      )
      for (const [at, { status, said }] of unwell.entries()) {
        assert.equal(status, 1, said)
        assert.match(said, ill[at]?.[1] as RegExp)
      }
    })
  }

  test('a misspelt flag is explained, and is not taken for illness', async () => {
    const probe = hangupOn('node', 'probe', '--healthz', '--insecrue', 'http://a/')
    const { code, stderr: said } = await run(null, probe)
    assert.equal(code, 2)
    assert.match(said, /--insecrue: there is no such flag; did you mean --insecure\?/)
  })
})

test('the check is one GET of exactly that page, and leaves no connection open', async () => {
  seen.length = 0
  assert.equal(
    await illness({ url: `http://127.0.0.1:${port}/ready?a=b` }),
    `http://127.0.0.1:${port}/ready?a=b: the response is 503`,
  )
  assert.deepEqual(seen, ['GET /ready?a=b'])
  const open = await new Promise((resolve) => servers[0]?.getConnections((_, count) => resolve(count)))
  assert.equal(open, 0)
})

test('the program loads nothing else for it', () => {
  const imports = (file: string) =>
    [...readFileSync(`${root}${file}`, 'utf8').matchAll(/^import (?!type).* from '(.+)'$/gm)].map(([, from]) => from)
  assert.deepEqual(imports('src/cli.ts'), ['node:process', './probe/healthz.ts'])
  assert.deepEqual(imports('src/probe/healthz.ts'), ['../lifecycle/clock.ts', '../policy/units.ts'])
  for (const file of ['src/lifecycle/clock.ts', 'src/policy/units.ts']) assert.deepEqual(imports(file), [])
})
