/**
 * What a runtime's `connect` must do, against the servers of connect.test.ts; prints a line a
 * check.
 */
import { readdirSync, readlinkSync } from 'node:fs'
import type { Connect, ConnectTls, ConnectTo, Transport } from '../../src/net/transport.ts'

export interface Given {
  readonly plain: number
  readonly tls: number
  /** Reads a line, then speaks TLS. */
  readonly announced: number
  /** Accepts, and never says a word. */
  readonly mute: number
  /** Ends every connection at its first byte, by FIN or by RST. */
  readonly hasty: number
  readonly hastier: number
  /** Its accept queue is full; 0 where none can be made. */
  readonly silent: number
  /** Says nothing, and knows how many connections it has. */
  readonly late: number
  readonly refused: number
  readonly unix: string
  readonly ca: string
  readonly client: { readonly cert: string; readonly key: string }
}

const { process } = globalThis
const given = JSON.parse(process.env['HANGUP_CONNECT_CHECKS'] ?? '') as Given
const { connect } = (await import(process.argv[2]!)) as { connect: Connect }

const never = new AbortController().signal

/** A connection and all that it told. */
class Client {
  transport!: Transport
  text = ''
  bytes = 0
  drains = 0
  /** Bytes of `counted` data that came in their place. */
  inPlace = true
  readonly told: string[] = []
  #wake: (() => void)[] = []

  static async open(to: Partial<ConnectTo>, signal = never): Promise<Client> {
    const client = new Client()
    let accepted = false
    await connect(
      { host: '127.0.0.1', port: given.plain, ...to },
      (transport) => {
        accepted = true
        client.transport = transport
        return {
          secured: () => client.#tell('secured'),
          feed(bytes) {
            for (let i = 0; i < bytes.length; i += 997) {
              if (bytes[i] !== (client.bytes + i) % 251) client.inPlace = false
            }
            client.bytes += bytes.length
            if (client.bytes < 10_000) client.text += new TextDecoder('latin1').decode(bytes)
            client.#tell('feed')
          },
          drained() {
            client.drains += 1
            client.#tell('drained')
          },
          peerEnded: () => client.#tell('peerEnded'),
          gone: () => client.#tell('gone'),
        }
      },
      signal,
    )
    equal(accepted, true)
    equal(client.told.length, 0)
    return client
  }

  #tell(what: string): void {
    if (this.told.at(-1) !== what) this.told.push(what)
    for (const wake of this.#wake.splice(0)) wake()
  }

  async until(holds: () => boolean, what: string, withinMs = 15_000): Promise<void> {
    const late = setTimeout(() => this.#tell('late'), withinMs)
    while (!holds()) {
      if (this.told.includes('late'))
        throw new Error(`${what} never came; told: ${this.told}; ${this.bytes} bytes: ${this.text.slice(0, 200)}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
    clearTimeout(late)
  }

  heard(what: string): Promise<void> {
    return this.until(() => this.told.includes(what), what)
  }

  said(text: string): Promise<void> {
    return this.until(() => this.text.includes(text), text)
  }
}

function equal<T>(actual: T, expected: T, what = ''): void {
  if (actual !== expected) throw new Error(`${what} ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}

async function rejection(
  promise: Promise<unknown>,
): Promise<{ code?: string; name: string; message: string; syscall?: string }> {
  const error = await promise.then(
    () => null,
    (cause) => cause,
  )
  if (error === null) throw new Error('it did not reject')
  return error
}

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

/** What the server saw of a connection that said `watch key`. */
async function fateOf(key: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const client = await Client.open({})
    client.transport.write(`fate ${key}\n`, null)
    await client.heard('peerEnded')
    client.transport.destroy()
    if (client.text !== 'open') return client.text
    await wait(20)
  }
  return 'open'
}

/** The bytes that the server's `send` sends as well. */
function counted(length: number): Uint8Array {
  const bytes = Uint8Array.from({ length: Math.min(length, 251) }, (_, i) => i)
  const all = new Uint8Array(length)
  for (let at = 0; at < length; at += bytes.length) all.set(bytes.subarray(0, length - at), at)
  return all
}

const tls: ConnectTls = { servername: 'upstream.test', ca: given.ca, verify: true }

/** The same, whatever the connection is made of. */
const everywhere: Record<string, (to: Partial<ConnectTo>) => Promise<void>> = {
  async 'bytes pass both ways, text in UTF-8 behind a head in latin1'(to) {
    const client = await Client.open(to)
    equal(client.transport.quiet, true)
    await wait(20)
    equal(client.told.join(), '')
    client.transport.write('echo\n', null)
    client.transport.write('é;', 'é;')
    client.transport.write('', new Uint8Array([33]))
    client.transport.write('', counted(3))
    await client.said('\xe9;\xc3\xa9;!\x00\x01\x02')
    equal(client.transport.quiet, true)
    client.transport.destroy()
    await client.heard('gone')
    equal(client.transport.quiet, false)
    equal(client.told.filter((what) => what !== 'drained').join(), 'feed,gone')
  },

  async 'a FIN of the upstream is heard, and the other direction goes on'(to) {
    const client = await Client.open(to)
    client.transport.write('fin\n', null)
    await client.heard('peerEnded')
    equal(client.text, 'bye')
    equal(client.transport.quiet, false)
    equal(client.told.includes('gone'), false)
    client.transport.end()
    await client.heard('gone')
  },

  async 'an RST of the upstream is the end, without a FIN'(to) {
    if (to.unix !== undefined) return
    const client = await Client.open(to)
    client.transport.write('rst\n', null)
    await client.heard('gone')
    equal(client.told.includes('peerEnded'), false)
    equal(client.transport.quiet, false)
    client.transport.write('GET', null)
    client.transport.pause()
    client.transport.resume()
    client.transport.end()
    client.transport.reset()
    client.transport.destroy()
  },

  async 'end() is a FIN: what the upstream still says is heard'(to) {
    const client = await Client.open(to)
    client.transport.write('count 0\n', null)
    client.transport.write('', counted(1_000))
    client.transport.end()
    equal(client.transport.quiet, false)
    await client.said('1000 in place')
    await client.heard('gone')
  },

  async 'pause() holds 3 MB back, resume() lets them come, in order'(to) {
    const client = await Client.open(to)
    client.transport.write('send 3000000\n', null)
    await client.until(() => client.bytes > 0, 'the first bytes')
    client.transport.pause()
    client.transport.pause()
    await wait(50)
    const { bytes } = client
    await wait(200)
    equal(client.bytes, bytes, 'while paused')
    client.transport.resume()
    client.transport.resume()
    await client.until(() => client.bytes === 3_000_000, '3 MB')
    equal(client.inPlace, true)
    client.transport.destroy()
  },

  async 'a pause in every read keeps all in order'(to) {
    const client = await Client.open(to)
    client.transport.write('send 1000000\n', null)
    for (let seen = 0; client.bytes < 1_000_000; ) {
      await client.until(() => client.bytes > seen, 'more')
      client.transport.pause()
      seen = client.bytes
      await wait(0)
      client.transport.resume()
    }
    equal(client.bytes, 1_000_000)
    equal(client.inPlace, true)
    client.transport.destroy()
  },

  async '16 MB to a slow reader: drained is told once, when the kernel has them'(to) {
    const client = await Client.open(to)
    client.transport.write('count 300\n', null)
    // More than the kernel takes of one that is not read (tcp_wmem 4 MB).
    const body = counted(16_000_000)
    equal(client.transport.write('', body), false)
    equal(client.drains, 0)
    if (client.transport.unsent === 0) throw new Error('nothing is unsent')
    await client.heard('drained')
    equal(client.transport.unsent, 0)
    client.transport.end()
    await client.said('16000000 in place')
    equal(client.drains, 1)
  },

  async 'end() behind a large write is behind it'(to) {
    const client = await Client.open(to)
    client.transport.write('count 100\n', counted(4_000_000))
    client.transport.end()
    await client.said('4000000 in place')
    await client.heard('gone')
  },

  async 'reset() is an RST, destroy() a FIN'(to) {
    for (const how of ['reset', 'destroy'] as const) {
      const key = `${how}-${JSON.stringify(to).length}`
      const client = await Client.open(to)
      client.transport.write(`watch ${key}\n`, null)
      await client.said('watching')
      client.transport[how]()
      await client.heard('gone')
      // A Unix socket has no RST.
      equal(await fateOf(key), how === 'reset' && to.unix === undefined ? 'ECONNRESET' : 'end', how)
    }
  },
}

const checks: Record<string, () => Promise<void>> = {
  async 'a refused connect rejects with the system’s error'() {
    const { code, syscall } = await rejection(Client.open({ port: given.refused }))
    equal(code, 'ECONNREFUSED')
    equal(syscall, 'connect')
    equal((await rejection(Client.open({ unix: `${given.unix}.not` }))).code, 'ENOENT')
  },

  async 'a signal that was aborted before connects nowhere'() {
    const reason = new Error('not any more')
    equal(await rejection(Client.open({}, AbortSignal.abort(reason))), reason as never)
  },

  async 'a connect without an answer ends with the signal’s reason, and holds no descriptor'() {
    if (given.silent === 0) return
    const isSocket = (fd: string) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
      } catch {
        return false
      }
    }
    const sockets = () => readdirSync('/proc/self/fd').filter(isSocket).length
    const reason = new Error('too late')
    let before = 0
    for (let i = 0; i < 6; i++) {
      const controller = new AbortController()
      const connecting = rejection(Client.open({ port: given.silent }, controller.signal))
      await wait(100)
      controller.abort(reason)
      equal(await connecting, reason as never)
      await wait(50)
      if (i === 0) before = sockets()
    }
    // Deno makes two of its own at some time.
    const held = sockets() - before
    if (held > 2) throw new Error(`${held} of 5 are left`)
  },

  async 'a connect that succeeds too late is closed, and nobody hears of it'() {
    const reason = new Error('too late')
    for (const to of [{}, { tls }]) {
      const controller = new AbortController()
      let accepted = false
      const accept = () => {
        accepted = true
        return { secured() {}, feed() {}, drained() {}, peerEnded() {}, gone() {} }
      }
      const connecting = rejection(connect({ host: '127.0.0.1', port: given.late, ...to }, accept, controller.signal))
      controller.abort(reason)
      equal(await connecting, reason as never)
      await wait(100)
      equal(accepted, false)
    }
    const client = await Client.open({})
    client.transport.write('late\n', null)
    await client.said('0 open')
    client.transport.destroy()
  },

  async 'a signal that comes after the connect changes nothing'() {
    const controller = new AbortController()
    const client = await Client.open({}, controller.signal)
    controller.abort(new Error('too late'))
    client.transport.write('echo\nhello', null)
    await client.said('hello')
    client.transport.destroy()
  },

  async 'a TLS handshake without an answer ends with the signal’s reason'() {
    const controller = new AbortController()
    const connecting = rejection(Client.open({ port: given.mute, tls }, controller.signal))
    await wait(100)
    const reason = new Error('too late')
    controller.abort(reason)
    equal(await connecting, reason as never)
  },

  async 'an upstream that ends in the handshake is a rejection'() {
    for (const port of [given.hasty, given.hastier])
      equal((await rejection(Client.open({ port, tls }))).code, 'ECONNRESET')
  },

  async 'a certificate that nobody vouches for is refused, whoever’s name it has'() {
    const { code } = await rejection(
      Client.open({ port: given.tls, tls: { servername: 'upstream.test', verify: true } }),
    )
    equal(code, 'DEPTH_ZERO_SELF_SIGNED_CERT')
  },

  async 'a certificate of another name is refused'() {
    const { code } = await rejection(Client.open({ port: given.tls, tls: { ...tls, servername: 'other.test' } }))
    equal(code, 'ERR_TLS_CERT_ALTNAME_INVALID')
    const address = await rejection(Client.open({ port: given.tls, tls: { ...tls, servername: '127.0.0.1' } }))
    equal(address.code, 'ERR_TLS_CERT_ALTNAME_INVALID')
  },

  async 'verify: false takes any certificate, and the name goes out by SNI all the same'() {
    const client = await Client.open({ port: given.tls, tls: { servername: 'other.test', verify: false } })
    client.transport.write('who\n', null)
    await client.said('sni other.test, alpn http/1.1, client nobody')
    client.transport.destroy()
  },

  async 'the client’s own certificate is shown'() {
    const client = await Client.open({ port: given.tls, tls: { ...tls, ...given.client } })
    client.transport.write('who\n', null)
    await client.said('sni upstream.test, alpn http/1.1, client client.test')
    client.transport.destroy()
  },

  async 'what can’t be read, or verified, is a rejection'() {
    const unreadable = { ...tls, cert: 'no PEM', key: 'no PEM' }
    equal((await rejection(Client.open({ port: given.tls, tls: unreadable }))).code, 'CERTIFICATE_INVALID')
    const nameless = await rejection(Client.open({ port: given.tls, tls: { ...tls, servername: '' } }))
    equal(/without a servername/.test(nameless.message), true, nameless.message)
  },

  async 'a preamble goes first'() {
    const preamble = new TextEncoder().encode('PROXY UNKNOWN\r\n')
    const client = await Client.open({ preamble })
    client.transport.write('first\n', null)
    await client.said('PROXY UNKNOWN')
    client.transport.destroy()
    const secured = await Client.open({ port: given.announced, tls, preamble })
    secured.transport.write('who\n', null)
    await secured.said('announced by PROXY UNKNOWN, sni upstream.test')
    secured.transport.destroy()
  },
}

for (const [kind, to] of Object.entries({
  TCP: {},
  'a Unix socket': { unix: given.unix },
  TLS: { port: given.tls, tls },
}))
  for (const [name, check] of Object.entries(everywhere)) checks[`${kind}: ${name}`] = () => check(to)

for (const [name, check] of Object.entries(checks)) {
  if (process.argv[3] !== undefined && !name.includes(process.argv[3])) continue
  const error = await check().then(
    () => null,
    (cause: Error) => cause.stack ?? cause.message,
  )
  console.log(JSON.stringify({ name, error }))
}
process.exit()
