import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadGateway } from './load.ts'

const tls = fileURLToPath(new URL('../../../test/fixtures/tls/', import.meta.url))
const cert = join(tls, 'cert.pem')
const key = join(tls, 'key.pem')

let folder = ''
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hangup-config-'))
})
after(() => rm(folder, { recursive: true }))

const load = async (argv: string[], env: Record<string, string> = {}, at = folder) =>
  (await loadGateway(argv, env, at)).plan

const wrong = (argv: string[], env: Record<string, string> = {}, at = folder) =>
  load(argv, env, at).then(
    () => assert.fail('it was taken'),
    (error: Error) => error.message,
  )

let files = 0
/** A configuration file of its own. */
async function file(content: unknown, name = `${files++}.json`): Promise<string> {
  await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return join(folder, name)
}

describe('flags alone', () => {
  test('are one group behind one route', async () => {
    const { config, listeners, from } = await load(['--to', 'http://a:1;weight=2', '--to', 'unix:/run/b.sock'])
    assert.equal(from, null)
    assert.deepEqual(Object.keys(config.groups), ['default'])
    assert.deepEqual(
      config.groups['default']?.upstreams.map(({ url, weight }) => [url, weight]),
      [
        ['http://a:1', 2],
        ['unix:/run/b.sock', 1],
      ],
    )
    assert.deepEqual(
      config.routes.map(({ path, to, buffer, upgrades }) => ({ path, to, buffer, upgrades })),
      [{ path: '/', to: 'default', buffer: 'both', upgrades: ['websocket'] }],
    )
    assert.deepEqual([listeners[0]?.port, listeners[0]?.engine], [8080, 'hangup'])
  })

  test('say all that the file could say of them', async () => {
    const { config, listeners, resolved } = await load([
      ...[
        '--to',
        'https://a',
        '--balance',
        'least-connections',
        '--check-path',
        '/up',
        '--buffer',
        'off',
        '--compress',
      ],
      ...['--trust', '10.0.0.0/8,::1', '--trust', '192.0.2.1', '--host-header', 'upstream', '--upgrades', 'none'],
      ...['--tls-cert', cert, '--tls-key', key, '--port', '8443', '--redirect-http', '8081', '--hsts', 'max-age=60'],
      ...['--no-reason-header', '--pseudonym', 'front', '--client-requests-per-sec', '5', '--spool-dir', folder],
      ...['--upstream-first-byte-timeout', '9s', '--upstream-retry-budget', '50%', '--idle-timeout', '7s'],
    ])
    const [route] = config.routes
    const group = config.groups['default']!
    assert.deepEqual(group.balance, { by: 'least-connections' })
    assert.deepEqual([group.check?.path, group.check?.intervalMs], ['/up', 10_000])
    assert.deepEqual(
      [route?.buffer, route?.compress, route?.hostHeader, route?.upgrades],
      ['off', true, 'upstream', []],
    )
    assert.deepEqual(config.trust, ['10.0.0.0/8', '::1', '192.0.2.1'])
    assert.deepEqual(
      listeners.map(({ name, port, certificates }) => [name, port, certificates?.length]),
      [
        ['listen', 8443, 1],
        ['redirectHttp', 8081, undefined],
      ],
    )
    assert.equal(config.redirectToPort, 8443)
    assert.deepEqual([config.hsts, config.reasonHeader, config.pseudonym], ['max-age=60', false, 'front'])
    assert.deepEqual(config.clients, { maxConnections: 0, requestsPerSec: 5, burst: 5 })
    assert.equal(config.spool.dir, folder)
    assert.equal(route?.options.upstreamFirstByteTimeoutMs, 9_000)
    assert.equal(group.options.upstreamRetryBudgetPercent, 50)
    assert.equal(resolved.policy.idleTimeoutMs, 7_000)
  })

  test('win over variables', async () => {
    const env = {
      HANGUP_TO: 'http://a:1 http://b:2',
      HANGUP_UPSTREAM_READ_TIMEOUT: '3s',
      HANGUP_COMPRESS: 'yes',
      PORT: '81',
    }
    const { config, listeners } = await load(['--upstream-read-timeout', '4s'], env)
    assert.deepEqual(
      config.groups['default']?.upstreams.map(({ url }) => url),
      ['http://a:1', 'http://b:2'],
    )
    assert.equal(config.routes[0]?.options.upstreamReadTimeoutMs, 4_000)
    assert.equal(config.routes[0]?.compress, true)
    assert.equal(listeners[0]?.port, 81)
  })

  test('are refused together, each by the name it was written with', async () => {
    const message = await wrong(['--to', 'ftp://a', '--balnce', 'x', '--buffer', 'all'], {
      HANGUP_UPSTREAM_IDLE_TIMEOUT: '5',
      HANGUP_TRUST: 'localhost',
    })
    for (const name of ['--to', '--balnce', '--buffer', 'HANGUP_TRUST']) assert.match(message, new RegExp(`${name}\\b`))
    assert.match(
      await wrong(['--to', 'http://a'], { HANGUP_UPSTREAM_IDLE_TIMEOUT: '5' }),
      /HANGUP_UPSTREAM_IDLE_TIMEOUT: "5" has no unit/,
    )
    assert.match(await wrong(['--to', 'http://a', '--to', 'http://a']), /^--to http:\/\/a: group default has it twice/)
  })

  test('need to say where to', async () => {
    assert.match(await wrong([]), /where should requests go\? Give an upstream \(--to http/)
    assert.match(
      await wrong(['--to', 'http://a', '--config', 'x.json']),
      /--to http:\/\/a: --config already says where/,
    )
  })
})

describe('TLS', () => {
  test('needs both files, of one pair, that can be read', async () => {
    const to = ['--to', 'http://a']
    assert.match(await wrong([...to, '--tls-cert', cert]), /^--tls-cert .*it needs --tls-key beside it/)
    assert.match(await wrong([...to, '--tls-key', key]), /^--tls-key .*it needs --tls-cert beside it/)
    assert.match(
      await wrong([...to, '--tls-cert', cert, '--tls-key', 'gone.pem']),
      /^--tls-key gone\.pem: it cannot be read \(ENOENT\)/,
    )
    assert.match(
      await wrong([...to, '--tls-cert', key, '--tls-key', key]),
      /^--tls-cert .*it does not hold a certificate/,
    )
  })

  test('is refused where key and certificate are not of one pair', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const other = await file(privateKey.export({ type: 'pkcs8', format: 'pem' }), 'other.pem')
    assert.match(
      await wrong(['--to', 'http://a', '--tls-cert', cert, '--tls-key', other]),
      /^--tls-cert .*the key belongs to another certificate/,
    )
  })

  test('comes with what needs it', async () => {
    const to = ['--to', 'http://a']
    assert.match(await wrong([...to, '--hsts', 'max-age=1']), /--hsts .*no listener speaks TLS/)
    assert.match(await wrong([...to, '--redirect-http', '80']), /--redirect-http 80: no listener speaks TLS/)
    assert.match(await wrong([...to, '--http2']), /--http2: browsers speak HTTP\/2 over TLS only/)
    const both = [...to, '--tls-cert', cert, '--tls-key', key, '--http2', '--proxy-protocol', '10.0.0.0/8']
    assert.match(await wrong(both), /--proxy-protocol: .*can’t read the PROXY protocol/)
    assert.match(
      await wrong([...to, '--engine', 'hangup', '--http2', '--tls-cert', cert, '--tls-key', key]),
      /--http2: the hangup engine/,
    )
  })
})

describe('a file', () => {
  test('is found in the working directory, where nothing else is named', async () => {
    const at = await mkdtemp(join(folder, 'found-'))
    await writeFile(join(at, 'hangup.config.json'), '{"to": "http://a"}')
    assert.equal((await load([], {}, at)).from, join(at, 'hangup.config.json'))
    assert.equal((await load(['--to', 'http://b'], {}, at)).from, null)
    await writeFile(join(at, 'hangup.config.ts'), 'export default { to: "http://a" }')
    assert.match(await wrong([], {}, at), /more than one configuration file is here/)
  })

  test('may be TypeScript, and is read anew each time', async () => {
    const path = await file('const to: string = "http://a"\nexport default { to }', 'typed.ts')
    assert.equal((await load(['--config', path])).config.groups['default']?.upstreams[0]?.url, 'http://a')
    await file('export default { to: "http://b" }', 'typed.ts')
    assert.equal((await load(['--config', path])).config.groups['default']?.upstreams[0]?.url, 'http://b')
  })

  test('gives way to flags and variables, in general; what a route says for itself stays', async () => {
    const path = await file({
      listen: { port: 1000, host: '127.0.0.1' },
      idleTimeoutMs: '1s',
      minIdleMs: 0,
      upstreamReadTimeoutMs: '1s',
      upstreamIdleTimeoutMs: '2s',
      buffer: 'off',
      groups: { a: { to: 'http://a', upstreamMaxConnections: 5 }, b: 'http://b' },
      routes: [
        { path: '/a', to: 'a', upstreamReadTimeoutMs: '9s', buffer: 'both' },
        { to: 'b', maxBodyBytes: '1mb' },
      ],
    })
    const { config, listeners, resolved } = await load(
      ['--config', path, '--port', '2000', '--upstream-read-timeout', '3s', '--idle-timeout', '8s'],
      { HANGUP_BUFFER: 'request' },
    )
    assert.deepEqual([listeners[0]?.port, listeners[0]?.host], [2000, '127.0.0.1'])
    assert.equal(resolved.policy.idleTimeoutMs, 8_000)
    const [first, second] = config.routes
    assert.deepEqual([first?.options.upstreamReadTimeoutMs, first?.buffer], [9_000, 'both'])
    assert.deepEqual([second?.options.upstreamReadTimeoutMs, second?.buffer], [3_000, 'request'])
    assert.deepEqual([first?.options.upstreamMaxConnections, second?.options.upstreamMaxConnections], [5, 128])
    assert.equal(second?.options.upstreamIdleTimeoutMs, 2_000)
    assert.equal(second?.maxBodyBytes, 2 ** 20)
  })

  test('is refused for what does not fit together, with paths', async () => {
    const path = await file({
      idleTimeoutMs: '2s',
      keepAliveHintMs: '5s',
      listen: [{ port: 80 }, { port: 80 }],
      groups: { api: { to: ['http://a', 'http://a'], check: { path: '/', timeoutMs: '20s' } }, more: { to: [] } },
      routes: [
        { path: '/x', to: 'apii' },
        { path: '/x/y', to: 'api', methods: ['GET'] },
        { path: '/z', to: 'api', strip: true, rewrite: '/w' },
      ],
    })
    const message = await wrong(['--config', path])
    for (const line of [
      'keepAliveHintMs 5s is above idleTimeoutMs 2s',
      'listen[1].port 80: another listener already uses it',
      'groups.api.to[1] http://a: group api has it twice',
      'groups.api.check.timeoutMs 20s: it is longer than intervalMs',
      'groups.more.to []: it is empty',
      'routes[0].to apii: unknown group; did you mean api?',
      'routes[1] /x/y: it is never reached: routes[0] matches every request that it would',
      'routes[2].rewrite /w: strip removes the path already',
    ]) {
      assert.ok(message.includes(line), `${line}\nin\n${message}`)
    }
    assert.match(message, /^8 problems:/)
  })

  test('names files relative to itself, and they are part of what is watched', async () => {
    await writeFile(join(folder, 'sorry.html'), '<p>sorry</p>')
    const path = await file({ to: 'http://a', listen: { tls: { cert, key } }, errorPages: { '5xx': 'sorry.html' } })
    const { config, files: watched } = await load(['--config', path], {}, '/')
    assert.equal(config.routes[0]?.errorPages['5xx'], '<p>sorry</p>')
    assert.deepEqual(watched, [path, cert, key, join(folder, 'sorry.html')])
    const other = await file({ to: { url: 'https://a', ca: 'gone.pem' }, spoolDir: 'nowhere' })
    const message = await wrong(['--config', other])
    assert.match(message, /to\.ca gone\.pem: it cannot be read \(ENOENT\)/)
    assert.match(message, /spoolDir nowhere: the folder does not exist/)
  })

  test('may name certificates of https:// upstreams, and their names', async () => {
    const path = await file({
      to: { url: 'https://10.0.0.1', servername: 'app.example', ca: cert, cert, key, verify: true },
    })
    const tlsOf = (await load(['--config', path])).config.groups['default']?.upstreams[0]?.tls
    assert.equal(tlsOf?.servername, 'app.example')
    assert.match(tlsOf?.ca ?? '', /BEGIN CERTIFICATE/)
    assert.match(tlsOf?.key ?? '', /PRIVATE KEY/)
    const plain = await file({ to: { url: 'http://a', verify: false, cert } })
    assert.match(await wrong(['--config', plain]), /to\.cert .*does not speak TLS/)
  })

  test('is refused where it can’t be read at all', async () => {
    assert.match(await wrong(['--config', 'gone.json']), /^--config .*gone\.json: it cannot be read \(ENOENT\)/)
    assert.match(await wrong(['--config', await file('{"to": ')]), /it is not valid JSON/)
    assert.match(await wrong(['--config', await file('export const a = 1', 'none.ts')]), /it has no default export/)
    assert.match(
      await wrong(['--config', await file('throw new Error("no")', 'throws.ts')]),
      /it failed to load \(Error: no\)/,
    )
  })

  test('lets no route take a larger body than the connection policy', async () => {
    const route = { to: 'a', maxBodyBytes: '2gb' }
    const message = await wrong(['--config', await file({ groups: { a: 'http://a' }, routes: [route] })])
    assert.match(message, /^routes\[0\]\.maxBodyBytes 2gb: the connection policy already ends a body at 1gb/)
    await load(['--config', await file({ maxBodyBytes: '3gb', groups: { a: 'http://a' }, routes: [route] })])
  })

  test('counts WebSockets, and refuses to ping them, into which it puts nothing', async () => {
    const { resolved } = await load(['--to', 'http://a', '--max-upgraded', '10'])
    assert.equal(resolved.policy.maxUpgraded, 10)
    assert.match(
      await wrong(['--to', 'http://a', '--web-socket-idle-timeout', '30s']),
      /^webSocketIdleTimeoutMs 30s: a gateway puts no frame into a WebSocket; accepted: upgradedIdleTimeoutMs/,
    )
  })

  test('bounds one spooled message by all of them', async () => {
    const path = await file({ to: 'http://a', spoolMaxBytes: '100mb' })
    assert.equal((await load(['--config', path])).config.routes[0]?.options.spoolBodyBytes, 100 * 2 ** 20)
    assert.match(
      await wrong(['--to', 'http://a', '--spool-body', '2gb', '--spool-max', '1gb']),
      /--spool-body 2gb: it is more than --spool-max 1gb/,
    )
  })

  test('leads nobody to a group that no route names, and says so', async () => {
    const path = await file({ groups: { a: 'http://a', b: 'http://b' }, routes: [{ to: 'a' }] })
    assert.deepEqual((await load(['--config', path])).notes, ['no route leads to group b'])
  })
})
