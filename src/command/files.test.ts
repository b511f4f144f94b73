import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { makeCertificate } from '../../test/fixtures/tls/make.ts'
import { ConfigError } from '../policy/problems.ts'
import { flagOf } from '../policy/spelling.ts'
import type { Fetch } from '../serve/contract.ts'
import { loadAdmin, loadApp, loadTls } from './files.ts'
import type { Settings } from './settings.ts'

let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hangup-load-'))
})
after(() => rm(directory, { recursive: true }))

async function file(name: string, text: string): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, text)
  return path
}

const refusal = (of: Promise<unknown>) =>
  of.then(
    () => assert.fail('not refused'),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError)
      return error
    },
  )

describe('loadApp', () => {
  test('takes a function, an object with fetch and a Hono app', async () => {
    const request = new Request('http://a/')
    const bare = await loadApp(await file('bare.mjs', 'export default () => new Response("bare")'), flagOf)
    assert.equal(await (await (bare.app as Fetch)(request)).text(), 'bare')
    assert.ok(!('websocket' in bare))
    const hono = `import { Hono } from '${import.meta.resolve('hono')}'\nexport default new Hono().get('/', (c) => c.text('hono'))`
    for (const [name, text] of [
      ['object.mjs', 'export default { fetch: () => new Response("hono") }'],
      ['hono.mjs', hono],
    ] as const) {
      const { app } = await loadApp(await file(name, text), flagOf)
      assert.equal(await (await (app as { fetch: Fetch }).fetch(request)).text(), 'hono', name)
    }
    const chat = 'export default () => new Response(); export const websocket = { server: 1 }'
    assert.deepEqual((await loadApp(await file('chat.mjs', chat), flagOf)).websocket, { server: 1 })
  })

  test('names the flag and what is wrong', async () => {
    const absent = join(directory, 'absent.mjs')
    assert.match((await refusal(loadApp(absent, flagOf))).message, /^--app .*absent\.mjs: it cannot be read \(ENOENT\)/)
    const none = await file('none.mjs', 'export const app = 1')
    assert.match((await refusal(loadApp(none, flagOf))).message, /: it has no default export; accepted: a module whose/)
    const number = await file('number.mjs', 'export default 1')
    assert.match((await refusal(loadApp(number, flagOf))).message, /: its default export is not an app/)
    const fetchless = await file('fetchless.mjs', 'export default { fetch: "later" }')
    assert.match((await refusal(loadApp(fetchless, flagOf))).message, /: its default export is not an app/)
    const broken = await refusal(loadApp(await file('broken.mjs', 'throw new Error("no database")'), flagOf))
    assert.match(broken.message, /: it failed to load \(Error: no database\)/)
    assert.ok(broken.cause instanceof Error)
  })
})

describe('loadTls', () => {
  const { cert, key } = makeCertificate(['a.example'])

  test('reads both, or nothing', async () => {
    const files = { tlsCert: await file('cert.pem', cert), tlsKey: await file('key.pem', key) }
    assert.deepEqual(await loadTls(files, flagOf), { cert, key })
    assert.equal(await loadTls({}, flagOf), undefined)
  })

  test('names the flag of the file that cannot be read or holds something else', async () => {
    const files = { tlsCert: await file('cert.pem', cert), tlsKey: await file('key.pem', key) }
    const gone = { ...files, tlsKey: join(directory, 'gone.pem') }
    assert.match((await refusal(loadTls(gone, flagOf))).message, /^--tls-key .*gone\.pem: it cannot be read \(ENOENT\)/)
    const swapped = { tlsCert: files.tlsKey, tlsKey: files.tlsCert }
    assert.match((await refusal(loadTls(swapped, flagOf))).message, /^--tls-cert .*key\.pem: it holds no certificate/)
  })

  test('a key of another certificate is refused by both flags', async () => {
    const files = {
      tlsCert: await file('cert.pem', cert),
      tlsKey: await file('other.pem', makeCertificate(['b.example']).key),
    }
    const refused = await refusal(loadTls(files, flagOf))
    assert.equal(refused.cause, undefined, 'nobody needs its stack')
    assert.match(
      refused.message,
      /^--tls-cert, --tls-key .*cert\.pem, .*other\.pem: the key belongs to another certificate than a\.example/,
    )
  })
})

describe('loadAdmin', () => {
  const adminToken = 'a-token-of-enough-length'

  test('takes the token of a file or of a variable', async () => {
    assert.equal(await loadAdmin({ adminToken }, flagOf), undefined)
    assert.deepEqual(await loadAdmin({ admin: true }, flagOf), {})
    const adminTokenFile = await file('token', `${adminToken}\n`)
    assert.deepEqual(await loadAdmin({ admin: '0.0.0.0:0', adminTokenFile, adminHosts: ['ops.example'] }, flagOf), {
      listen: '0.0.0.0:0',
      token: adminToken,
      hosts: ['ops.example'],
    })
    assert.deepEqual(await loadAdmin({ admin: true, adminToken }, flagOf), { token: adminToken })
  })

  test('names the flag, and never the token', async () => {
    const adminTokenFile = await file('short', 'secret\n')
    const cases: [Settings, RegExp][] = [
      [{ adminTokenFile }, /^--admin-token-file .*short: it needs --admin beside it$/],
      [{ adminHosts: ['a'] }, /^--admin-hosts \["a"\]: it needs --admin beside it$/],
      [{ admin: ':9180' }, /^--admin :9180: .* needs a token \(--admin-token-file, HANGUP_ADMIN_TOKEN\)/],
      [{ admin: true, adminTokenFile }, /^--admin token of 6 characters: shorter than 16/],
      [{ admin: true, adminToken, adminTokenFile }, /: --admin-token already has a token; accepted: one of the two$/],
      [{ admin: true, adminTokenFile: '/none' }, /^--admin-token-file \/none: it cannot be read \(ENOENT\)/],
    ]
    for (const [settings, why] of cases) {
      const { message } = await refusal(loadAdmin(settings, flagOf))
      assert.match(message, why)
      assert.doesNotMatch(message, /secret|a-token/)
    }
  })
})
