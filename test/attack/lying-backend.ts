/**
 * A backend of the gateway that lies, and clients that check what reaches them. Each request
 * carries a token of its own, which is in all that the backend says on its account: bytes with
 * another's token are another's answer.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What the backend does with one request, once its head is there. `token` is the request's. */
type Lie = (asked: {
  readonly socket: Socket
  readonly token: string
  readonly head: boolean
  random(): number
}) => void

const page = (token: string, status = 200, fields = '') => {
  const body = `${token} `.repeat(20)
  return `HTTP/1.1 ${status} OK\r\nX-Token: ${token}\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
}
const chunked = (token: string) => {
  const chunk = `${token} chunk`
  return `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${`${chunk.length.toString(16)};a=b\r\n${chunk}\r\n`.repeat(5)}0\r\nX-Sum: ${token}\r\n\r\n`
}
const untilEnd = (token: string) => `HTTP/1.0 200 OK\r\nX-Token: ${token}\r\n\r\n${`${token} `.repeat(20)}`
const hinted = (token: string) => `HTTP/1.1 103 Early Hints\r\nLink: </${token}>\r\n\r\n${page(token)}`
const forms = [page, chunked, untilEnd, hinted] as const

const garbage = (random: () => number, length: number) =>
  Array.from({ length }, () => String.fromCharCode(Math.floor(random() * 256))).join('')

const write = (socket: Socket, text: string) => socket.write(text, 'latin1')

const cut =
  (how: 'end' | 'resetAndDestroy' | 'silence'): Lie =>
  ({ socket, token, random }) => {
    const whole = forms[Math.floor(random() * forms.length)]!(token)
    const prefix = whole.slice(0, Math.floor(random() * whole.length))
    if (how === 'silence') write(socket, prefix)
    else if (prefix === '') socket[how]()
    else socket.write(prefix, 'latin1', () => void setTimeout(() => socket[how](), random() * 3))
  }

/** By name. `true` is what is no lie. */
export const lies: Readonly<Record<string, Lie>> = {
  true: ({ socket, token, head, random }) => {
    const whole = forms[Math.floor(random() * forms.length)]!(token)
    const [top, ...rest] = whole.split('\r\n\r\n')
    const informed = top!.startsWith('HTTP/1.1 103') ? `${rest[0]}\r\n\r\n` : `${top}\r\n\r\n`
    if (head) write(socket, informed)
    else write(socket, whole)
    if (whole.startsWith('HTTP/1.0')) socket.end()
  },
  fin: cut('end'),
  rst: cut('resetAndDestroy'),
  silence: cut('silence'),
  'more-than-its-length': ({ socket, token }) => void write(socket, `${page(token)}${token} more`),
  'less-than-its-length': ({ socket, token }) => {
    write(socket, page(token).slice(0, -10))
    socket.end()
  },
  'two-answers': ({ socket, token }) => void write(socket, page(token) + page(token)),
  'ten-answers': ({ socket, token }) => void write(socket, page(token).repeat(10)),
  'second-answer-later': ({ socket, token, random }) => {
    write(socket, page(token))
    setTimeout(() => write(socket, page(token)), random() * 10)
  },
  'answer-and-blank-lines': ({ socket, token }) => void write(socket, `${page(token)}\r\n\r\n`),
  'interim-flood': ({ socket, token }) => {
    const flood = `HTTP/1.1 102 Processing\r\nX-Token: ${token}\r\n\r\n`.repeat(2_000)
    write(socket, flood)
  },
  'interim-for-ever': ({ socket, token }) => {
    const timer = setInterval(() => write(socket, `HTTP/1.1 102 Processing\r\nX-Token: ${token}\r\n\r\n`), 5)
    socket.once('close', () => clearInterval(timer))
  },
  'interim-odd': ({ socket, token }) =>
    void write(socket, `HTTP/1.1 199 Odd\r\nConnection: close\r\nContent-Length: 5\r\n\r\n${page(token)}`),
  'switches-unasked': ({ socket, token }) =>
    void write(socket, `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n${token}`),
  'huge-head': ({ socket, token }) =>
    void write(socket, `HTTP/1.1 200 OK\r\n${`X-Big: ${token.repeat(100)}\r\n`.repeat(500)}\r\n`),
  'endless-head': ({ socket, token }) => {
    const timer = setInterval(() => write(socket, `X-More-${token}: ${token.repeat(50)}\r\n`), 2)
    write(socket, 'HTTP/1.1 200 OK\r\n')
    socket.once('close', () => clearInterval(timer))
  },
  'many-fields': ({ socket, token }) => {
    const fields = Array.from({ length: 400 }, (_, i) => `X-${i}: ${token}\r\n`).join('')
    write(socket, page(token, 200, fields))
  },
  'odd-fields': ({ socket, token }) =>
    void write(socket, page(token, 200, 'X-Odd: \xff\xfe\r\nTransfer_Encoding: chunked\r\nTE: x\r\nUpgrade: h2c\r\n')),
  'odd-status': ({ socket, token, random }) => void write(socket, page(token, 600 + Math.floor(random() * 399))),
  trickle: ({ socket, token }) => {
    const whole = page(token)
    let at = 0
    const timer = setInterval(() => {
      write(socket, whole.slice(at, at + 7))
      at += 7
      if (at >= whole.length) clearInterval(timer)
    }, 1)
    socket.once('close', () => clearInterval(timer))
  },
  'chunk-garbage': ({ socket, token, random }) => {
    const text = chunked(token)
    const at = text.indexOf('\r\n\r\n') + 4
    write(socket, text.slice(0, at) + garbage(random, 30) + text.slice(at))
  },
  'chunk-size': ({ socket, token }) =>
    void write(socket, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n${token}`),
  'garbled-trailers': ({ socket, token }) =>
    void write(socket, `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${token}\x00\r\n\r\n`),
  garbage: ({ socket, random }) => void write(socket, garbage(random, 200)),
  'no-content-with-a-body': ({ socket, token }) => void write(socket, page(token, 204)),
  'not-modified-with-a-body': ({ socket, token }) => void write(socket, page(token, 304)),
  'body-for-head': ({ socket, token }) => void write(socket, page(token)),
  'body-for-head-later': ({ socket, token, head }) => {
    const [top, body] = page(token).split('\r\n\r\n')
    write(socket, `${top}\r\n\r\n`)
    setTimeout(() => write(socket, head ? page(token) : body!), 20)
  },
  'never-answers': () => {},
  'closes-later': ({ socket, token }) => {
    write(socket, page(token))
    setTimeout(() => socket.end(), 1)
  },
  'says-close-and-stays': ({ socket, token }) =>
    void write(socket, page(token, 200, 'Connection: close\r\n') + page(token)),
  'half-closes-first': ({ socket, token }) => {
    socket.end(page(token), 'latin1')
  },
}
export const lieNames = Object.keys(lies)

export interface LyingBackends {
  readonly to: readonly { readonly port: number }[]
  /** How often each request reached it, by its token. */
  readonly seen: ReadonlyMap<string, number>
  open(): number
  close(): void
}

/**
 * Which lie it tells, `/<lie>/<token>` says. Of its connections one in ten is answered before
 * anything was asked, one in ten ended as the request comes: by FIN, by RST, or with its first
 * bytes only.
 */
export async function lyingBackends(random: () => number): Promise<LyingBackends> {
  const seen = new Map<string, number>()
  const sockets = new Set<Socket>()
  const talk = (socket: Socket) => {
    sockets.add(socket)
    socket
      .on('error', () => {})
      .once('close', () => sockets.delete(socket))
      .resume()
    const temper = random()
    if (temper < 0.03) return void socket.resetAndDestroy()
    if (temper < 0.06) return void socket.end()
    if (temper < 0.1) return void socket.end(page('nobody', 503, 'Connection: close\r\n'), 'latin1')
    const endsOnBytes = temper > 0.95
    let input = ''
    socket.on('data', (bytes) => {
      if (endsOnBytes) return void (random() < 0.5 ? socket.resetAndDestroy() : socket.end())
      input += bytes.toString('latin1')
      for (let end = input.indexOf('\r\n\r\n'); end >= 0; end = input.indexOf('\r\n\r\n')) {
        const length = Number(/^content-length: (\d+)/im.exec(input.slice(0, end))?.[1] ?? 0)
        if (input.length < end + 4 + length) return
        const [, method, lie, token] = /^([A-Z]+) \/([\w-]+)\/([\w-]+)/.exec(input) ?? []
        input = input.slice(end + 4 + length)
        if (token === undefined) continue
        seen.set(token, (seen.get(token) ?? 0) + 1)
        ;(lies[lie!] ?? lies['true']!)({ socket, token, head: method === 'HEAD', random })
      }
    })
  }
  // Two, so that there is another one to try.
  const servers = [1, 2].map(() => createServer({ noDelay: true }, talk))
  await Promise.all(servers.map((server) => once(server.listen(0, '127.0.0.1'), 'listening')))
  return {
    to: servers.map((server) => ({ port: (server.address() as AddressInfo).port })),
    seen,
    open: () => sockets.size,
    close() {
      for (const server of servers) server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'] as const

/** What a client has got for one request: all its bytes, status 0 where the answer was cut. */
export interface Got {
  readonly method: (typeof methods)[number]
  readonly lie: string
  readonly token: string
  readonly status: number
  readonly text: string
}

export type Ask = (
  method: Got['method'],
  path: string,
  body: string | null,
) => Promise<{ status: number; text: string }>

/** So many requests, `atOnce` at a time, one in two of them honestly answered. */
export async function askLiar(ask: Ask, count: number, atOnce: number, random: () => number): Promise<Got[]> {
  const got: Got[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const token = `tok-${next++}-${Math.floor(random() * 1e9).toString(36)}`
        const lie = random() < 0.5 ? 'true' : lieNames[Math.floor(random() * lieNames.length)]!
        const method = methods[Math.floor(random() * methods.length)]!
        const body = method === 'POST' || method === 'PUT' ? `${token} asks`.repeat(10) : null
        const { status, text } = await ask(method, `/${lie}/${token}`, body)
        got.push({ method, lie, token, status, text })
      }
    }),
  )
  return got
}

/** What must not be, in words; empty: all is well. */
export function faultsOf(got: readonly Got[], seen: ReadonlyMap<string, number>): string[] {
  const faults: string[] = []
  for (const { method, lie, token, status, text } of got) {
    const what = `${method} /${lie}/${token}: ${status}`
    const found = [...text.matchAll(/tok-\d+-[\da-z]+/g)].map(([one]) => one)
    // An answer that was cut may end inside a token.
    const foreign = found.filter((one, i) => one !== token && !(i === found.length - 1 && token.startsWith(one)))
    if (foreign.length > 0) faults.push(`${what} has ${foreign[0]}`)
    const times = seen.get(token) ?? 0
    if (method === 'POST' && times > 1) faults.push(`${what} was sent ${times} times`)
    if (times > 3) faults.push(`${what} was sent ${times} times`)
    if (status === 200 && times === 0) faults.push(`${what} was answered by nobody`)
  }
  return faults
}
