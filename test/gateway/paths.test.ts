/**
 * What a route guards is not had by another spelling of its path, as nginx, gunicorn and Node read
 * paths; nor is the gateway by itself.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, posix } from 'node:path'
import { type TestContext, test } from 'node:test'
import { freePort } from '../lib/free-port.ts'
import { startProgram } from '../lib/program.ts'
import { onEachRuntime } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'
import { connectionsTo } from '../lib/sockets.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'
import { startGunicorn, withoutGunicorn } from './python.ts'

const nginx = '/usr/sbin/nginx'
const withoutNginx = spawnSync(nginx, ['-v']).error === undefined ? false : `NOT TESTED: there is no ${nginx}`
if (withoutNginx) console.error(`\n*** ${withoutNginx}; apt-get install nginx-core ***\n`)

const folderOf = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hangup-paths-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

async function startNginx(t: TestContext): Promise<Port> {
  const port = await freePort()
  const folder = folderOf(t)
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`)
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/pid; error_log ${folder}/log; events {}
    http { access_log off; ${temporary.join(' ')}
      server { listen 127.0.0.1:${port};
        location /admin { return 200 admin; }
        location / { return 200 app; } } }`,
  )
  await startProgram(t, ['sh', '-c', `echo; exec ${nginx} -c ${folder}/nginx.conf`])
  for (let tries = 0; tries < 100; tries++) {
    if ((await ask(port, '/').catch(() => null)) !== null) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return { port }
}

const isAdmin = (path: string): boolean => /^\/admin(?:$|[/;])/.test(path)

/** As routers on Node read `request.url`: Express, the URL class, and what serves files. */
function readingsOnNode(url: string): string[] {
  const bare = url.split('?')[0]!
  const decoded = decodeURIComponent(bare)
  return [
    bare,
    decoded,
    posix.normalize(decoded),
    new URL(url, 'http://a').pathname,
    new URL(`http://a${decoded}`).pathname,
    decoded.split('\0')[0]!,
  ]
}

async function startNode(t: TestContext): Promise<Port> {
  const server = createServer(({ url = '' }, response) => {
    let admin = true
    try {
      admin = readingsOnNode(url).some(isAdmin)
    } catch {
      // No path at all to who decodes it.
    }
    response.end(admin ? 'admin' : 'app')
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port }
}

/** `admin` in every dress, and what may stand around it. */
const names = ['admin', '%61dmin', 'adm%69n', '%2561dmin']
const before = [
  '/',
  '//',
  '/./',
  '/%2e/',
  '/x/../',
  '/x/%2e%2e/',
  '/x/..%2f',
  '/x%2f../',
  '/;/',
  '\\',
  '/%5c',
  '/x/..;/',
]
const behind = [
  '',
  '/',
  '%00',
  '%3f',
  '%23',
  '%3fx',
  '%23/x',
  '%0a',
  '%09',
  '%20',
  ';a',
  '%3ba',
  '%2f',
  '%5c',
  '/..',
  '/.',
]
const spellings = before.flatMap((b) => names.flatMap((name) => behind.map((a) => `${b}${name}${a}`)))

const backends = {
  nginx: { skip: withoutNginx, start: startNginx },
  gunicorn: { skip: withoutGunicorn, start: (t: TestContext) => startGunicorn(t, 1, 'readings:app') },
  node: { skip: false, start: startNode },
} as const

for (const [name, { skip, start }] of Object.entries(backends)) {
  test(`no spelling of /admin comes past its route to ${name}`, { skip }, async (t) => {
    const backend = await start(t)
    const config = join(folderOf(t), 'hangup.json')
    const closed = await freePort()
    writeFileSync(
      config,
      JSON.stringify({
        groups: { guard: `http://127.0.0.1:${closed}`, app: `http://127.0.0.1:${backend.port}` },
        routes: [{ path: '/admin', to: 'guard' }, { to: 'app' }],
      }),
    )
    const gateway = await startGateway(t, 'node', [], ['--config', config])
    assert.equal((await ask(backend.port, '/admin')).body, 'admin')
    assert.equal((await ask(gateway.port, '/x')).body, 'app')
    assert.equal((await ask(gateway.port, '/admin')).status, 502)
    for (let from = 0; from < spellings.length; from += 50) {
      await Promise.all(
        spellings.slice(from, from + 50).map(async (path) => {
          const { status, body } = await ask(gateway.port, path)
          assert.ok(status !== 200 || body !== 'admin', `${path} is /admin to ${name}`)
        }),
      )
    }
  })
}

onEachRuntime('a gateway that is its own upstream', (name) => {
  test('answers 508, says so once a second, and uses three connections for it', async (t) => {
    const port = await freePort()
    const gateway = await startGateway(t, name, [{ port }], ['--port', String(port)])
    const from = performance.now()
    const { status, headers } = await ask(port, '/')
    assert.deepEqual([status, headers['hangup-reason']], [508, 'loop'])
    assert.ok(connectionsTo(port) <= 6, `${connectionsTo(port)} sockets`)
    await Promise.all(Array.from({ length: 10 }, () => ask(port, '/')))
    const lines = gateway.stderr().match(/GATEWAY_LOOP/g)?.length ?? 0
    assert.ok(lines >= 1 && lines <= 1 + (performance.now() - from) / 1_000, `${lines} lines`)
  })
})
