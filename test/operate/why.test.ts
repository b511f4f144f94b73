import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { run, suiteLifetime } from '../lib/program.ts'
import { hangupOn, runtimeNames } from '../lib/runtimes.ts'
import { type Operated, serve } from './command-line.ts'

const within = { timeout: 60_000 }
const token = 'a-token-of-enough-length'

/**
 * What a client sends, with pauses, until the server has ended the connection; resolves to its
 * port.
 */
async function client(port: number, ...acts: readonly (string | number)[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').resume()
  socket.on('error', () => {})
  await once(socket, 'connect')
  const { localPort } = socket
  const closed = once(socket, 'close')
  for (const act of acts) {
    if (typeof act === 'number') await sleep(act)
    else socket.write(act)
  }
  await closed
  return `127.0.0.1:${localPort}`
}

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'hangup-why-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

const short = ['--head-timeout', '1s', '--body-timeout', '1s', '--idle-timeout', '1s', '--min-idle', 'off']
const long = ['--head-timeout', '30s', '--body-timeout', '30s', '--idle-timeout', '30s']
const head = 'GET / HTTP/1.1\r\nHost: a\r\n'

describe('hangup why', { ...within, concurrency: true }, () => {
  for (const engine of ['native', 'hangup']) {
    test(
      `a client that was cut is told, saved and played: red, and green once mended (${engine})`,
      within,
      async (t) => {
        const options = ['--engine', engine]
        const [faulty, mended, path] = await Promise.all([
          serve(t, 'node', [...short, ...options]),
          serve(t, 'node', [...long, ...options]),
          folder(t),
        ])
        const peers = await Promise.all([
          client(faulty.port, `${head}\r\n`, 300, head),
          client(faulty.port, 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf'),
          client(faulty.port, `${head}\r\n`),
        ])
        const told = await run(t, hangupOn('node', 'why', peers[0], '--admin', faulty.admin))
        assert.equal(told.code, 0, told.stderr)
        assert.match(told.stdout, /ended by the server in state head: .*\(headTimeoutMs\)/)
        assert.match(
          told.stdout,
          /opened\n.*the request is whole\n(.*\n)?.*the response is out\n.*head .*a request head begins\n.*our side is ended\n/,
        )
        assert.doesNotMatch(told.stdout, /\x1b/)

        const files = peers.map((_, at) => join(path, `${at}.json`))
        const saves = peers.map((peer, at) =>
          run(t, hangupOn('node', 'why', peer, '--save', files[at]!, '--admin', faulty.admin)),
        )
        for (const saved of await Promise.all(saves)) assert.equal(saved.code, 0, saved.stderr)
        const upload = JSON.parse(await readFile(files[1]!, 'utf8'))
        assert.match(JSON.stringify(upload.steps), /POST \/upload/)

        const play = ({ url }: Operated) => run(t, hangupOn('node', 'probe', url, '--case', files.join(','), '--quiet'))
        const [red, green] = await Promise.all([play(faulty), play(mended)])
        assert.equal(red.code, 1, red.stdout)
        assert.match(red.stdout, /3 fail/)
        assert.equal(green.code, 0, green.stdout)
        assert.match(green.stdout, /3 pass/)
      },
    )
  }

  describe('one server, asked by each runtime', () => {
    let server: Operated
    let peer: string
    let path: string
    const suite = suiteLifetime()
    before(async () => {
      path = await mkdtemp(join(tmpdir(), 'hangup-why-'))
      const at = ['--admin', `unix:${join(path, 'admin.sock')}`]
      server = await serve(suite, 'node', [...short, ...at], { HANGUP_ADMIN_TOKEN: token })
      peer = await client(server.port, head)
    })

    after(async () => {
      await rm(path, { recursive: true, force: true })
    })

    for (const runtime of runtimeNames) {
      test(`over a Unix socket with its token on ${runtime}`, within, async (t) => {
        const file = join(path, `token-${runtime}`)
        await writeFile(file, `${token}\n`)
        const HANGUP_ADMIN = `unix:${join(path, 'admin.sock')}`
        const why = (args: readonly string[], env = {}) =>
          run(t, hangupOn(runtime, 'why', ...args), { env: { HANGUP_ADMIN, ...env } })
        const [json, list, without, wrong, nobody] = await Promise.all([
          why([peer, '--json', '--admin-token-file', file]),
          why([], { HANGUP_ADMIN_TOKEN: token }),
          why([]),
          why([], { HANGUP_ADMIN_TOKEN: 'another' }),
          why(['192.0.2.1'], { HANGUP_ADMIN_TOKEN: token }),
        ])
        const { open, ended } = JSON.parse(json.stdout)
        assert.deepEqual(open, [])
        assert.deepEqual([ended.length, ended[0].why, ended[0].peer], [1, 'head', peer])
        assert.match(list.stdout, new RegExp(`${peer}.*server +head +headTimeoutMs`))
        assert.deepEqual([without.code, wrong.code, nobody.code], [2, 2, 1])
        assert.match(without.stderr, /^hangup: unix:.* asks for its token: --admin-token-file/)
        assert.match(wrong.stderr, /does not take this token/)
        assert.match(nobody.stderr, /^hangup: 192\.0\.2\.1: no such connection is open/)
      })

      test(`says that nobody listens on ${runtime}`, within, async (t) => {
        const [port, socket] = await Promise.all([
          run(t, hangupOn(runtime, 'why', '--admin', '127.0.0.1:1')),
          run(t, hangupOn(runtime, 'why', '--admin', `unix:${path}/none.sock`)),
        ])
        for (const { code, stderr } of [port, socket]) {
          assert.equal(code, 2)
          assert.match(
            stderr,
            /^hangup: (127\.0\.0\.1:1|unix:.*none\.sock): nothing listens there\. hangup serve --admin/,
          )
        }
      })
    }

    test(
      'more open connections than an admin listener takes are told, as many as were asked for',
      within,
      async (t) => {
        const server = await serve(t, 'node', ['--idle-timeout', '30s'])
        const sockets = Array.from({ length: 40 }, () => connect(server.port, '127.0.0.1').resume())
        t.after(() => {
          for (const socket of sockets) socket.destroy()
        })
        await Promise.all(sockets.map((socket) => once(socket, 'connect')))
        for (const socket of sockets) socket.write(`${head}\r\n`)
        await Promise.all(sockets.map((socket) => once(socket, 'data')))
        const told = await run(
          t,
          hangupOn('node', 'why', '127.0.0.1', '--last', '40', '--json', '--admin', server.admin),
        )
        assert.equal(told.code, 0, told.stderr)
        assert.equal(JSON.parse(told.stdout).open.length, 40)
      },
    )

    test('what is not an admin listener is said to be none', within, async (t) => {
      const at = `127.0.0.1:${server.port}`
      const { code, stderr } = await run(t, hangupOn('node', 'why', '--admin', at))
      assert.equal(code, 2)
      assert.match(stderr, /is not an admin listener of hangup: it answers \d+\n$/)
    })
  })
})
