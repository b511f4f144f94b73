/**
 * A first look at a server: whether it is there, whom it says that it is, and how slow and how
 * large its pages are.
 */

import { connect as connectTls } from 'node:tls'
import { deferred } from '../../deferred.ts'
import { ConfigError, type Problem, problem } from '../../policy/problems.ts'
import { type Address, authorityOf, Connection } from '../client/client.ts'
import { UnreachableError } from '../client/destination.ts'
import { heldByServer } from '../client/kernel.ts'
import type { ReceivedResponse } from '../client/response.ts'
import { pageOption, type routeFlags } from '../settings.ts'
import type { PathName } from '../terms.ts'
import { type ForeignPages, fillPages } from './routes.ts'

export interface Preflight {
  readonly foreign: ForeignPages
  /** Our kernel shows its side of our connections. */
  readonly local: boolean
  /** What `Server` says (RFC 9110 10.2.4), or null. */
  readonly server: string | null
  /** What `Keep-Alive: timeout` promises, in ms; 0: nothing. */
  readonly hintMs: number
}

const answerWithinMs = 10_000
/** Of a page that may be slow or large there is nothing more to learn after that. */
const pageWithinMs = 30_000

type Paths = Readonly<Partial<Record<PathName, string>>>

/**
 * The first of a host's addresses that somebody listens on: a server on 127.0.0.1 is not on ::1,
 * and `localhost` is both.
 */
export async function listeningOn(ips: readonly string[], address: Address): Promise<string> {
  let failure: unknown
  for (const ip of ips) {
    try {
      const connection = await Connection.open({ ...address, ip }, { bare: true })
      connection.destroy()
      return ip
    } catch (error) {
      failure ??= error
    }
  }
  throw new UnreachableError(`${authorityOf(address)}: ${reasonOf(failure)}`, failure)
}

/**
 * Throws where there is nothing to judge: no server, no answer, a page that does not answer 200.
 */
export async function preflight(
  address: Address,
  paths: Paths,
  nameOf: (option: string) => string,
): Promise<Preflight> {
  const measured: Record<string, { ms: number; bytes: number }> = {}
  const problems: Problem[] = []
  const first = await ask(address, paths, 'hello', answerWithinMs)
  const pages = (['slow', 'stream', 'upload', 'large'] as const).filter((name) => paths[name] !== undefined)
  const asked = await Promise.all(pages.map((name) => ask(address, paths, name, pageWithinMs)))
  const answers: [keyof typeof routeFlags, Asked][] = [
    ['hello', first],
    ...pages.map((name, i) => [name, asked[i]!] as const),
  ].map(([name, answer]) => [name as keyof typeof routeFlags, answer as Asked])
  for (const [name, { answer, ms }] of answers) {
    const flag = pageOption(name, nameOf)
    const path = paths[name] ?? ''
    if (!answer) problems.push(problem(flag, path, `no whole response after ${Math.round(ms)} ms`, ''))
    else if (answer.status === 400 && !address.tls && (await speaksTls(address))) {
      problems.push(problem('<url>', authorityOf(address), 'it speaks TLS', `https://${authorityOf(address)}`))
    } else if (answer.status !== 200)
      problems.push(problem(flag, path, `it answers ${answer.status}`, 'a page that answers 200'))
    else measured[name] = { ms, bytes: answer.bodyBytes }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const answer = first.answer as ReceivedResponse
  const hint = /timeout=(\d+)/i.exec(answer.headers.get('keep-alive') ?? '')?.[1]
  return {
    foreign: { measured },
    local: first.local,
    server: answer.headers.get('server'),
    hintMs: hint === undefined ? 0 : Number(hint) * 1_000,
  }
}

interface Asked {
  readonly answer: ReceivedResponse | undefined
  readonly ms: number
  readonly local: boolean
}

async function ask(address: Address, paths: Paths, name: PathName, withinMs: number): Promise<Asked> {
  let connection: Connection
  try {
    connection = await Connection.open(address)
  } catch (error) {
    throw new UnreachableError(`${authorityOf(address)}: ${reasonOf(error)}`, error)
  }
  try {
    const { reader, localPort, clock } = connection
    const fromMs = clock.now()
    const isLocal = () => heldByServer(address.port, localPort, clock.now(), clock) !== undefined
    let local = isLocal()
    const [method, body] = name === 'upload' ? ['POST', 'Content-Length: 2\r\n\r\nhi'] : ['GET', '\r\n']
    const page = fillPages(`{${name}}`, paths, { measured: {} })
    connection.send(`${method} ${page} HTTP/1.1\r\nHost: ${authorityOf(address)}\r\n${body}`)
    await connection.until(
      () => reader.answers.length > 0 || connection.end !== 'open' || reader.malformed !== null,
      fromMs + withinMs,
    )
    const [answer] = reader.answers
    // Nobody holds what is not accepted yet; and a server that closes after each answer is only
    // seen before.
    local ||= isLocal()
    if (name === 'hello' && !answer) {
      const why =
        reader.malformed ?? (connection.end === 'open' ? `no response within ${withinMs / 1_000} s` : connection.end)
      const hint = !address.tls && (await speaksTls(address)) ? `; it speaks TLS: https://${authorityOf(address)}` : ''
      throw new UnreachableError(`${authorityOf(address)} does not answer GET ${page}: ${why}${hint}`)
    }
    return { answer, ms: clock.now() - fromMs, local }
  } finally {
    connection.destroy()
  }
}

/**
 * Throws if the certificate cannot be trusted. `ca`: those to trust (PEM); default: those of the
 * runtime.
 */
export async function checkCertificate(
  address: Address,
  ca: string | undefined,
  nameOf: (option: string) => string,
): Promise<void> {
  const { host, ip, port } = address
  const { promise, resolve, reject } = deferred()
  const socket = connectTls({
    host: ip ?? host,
    port,
    servername: /^[\d.]+$|:/.test(host) ? '' : host,
    ...(ca !== undefined && { ca }),
    timeout: answerWithinMs,
  })
  socket.once('secureConnect', resolve)
  socket.once('timeout', () => reject(new Error('the handshake takes too long')))
  socket.once('error', reject)
  try {
    await promise
  } catch (error) {
    const hint = isNoTls(error)
      ? `it does not speak TLS; if it speaks HTTP, it is http://${authorityOf(address)}`
      : `${reasonOf(error)}; ${nameOf('ca')} names the certificate to trust, ${nameOf('insecure')} accepts any`
    throw new UnreachableError(`${authorityOf(address)}: ${hint}`, error)
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}

/** Its first bytes are not TLS, or it closed instead of shaking hands. */
function isNoTls(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|HTTP_REQUEST)$|^EPROTO$/.test(code)
}

async function speaksTls(address: Address): Promise<boolean> {
  try {
    const connection = await Connection.open({ ...address, tls: true }, { timeoutMs: 2_000 })
    connection.destroy()
    return true
  } catch {
    return false
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ECONNREFUSED') return 'nothing listens there (connection refused)'
  // What Node would have one do is about Node's own flags.
  const what = message.split('\n')[0]?.replace(/; if the root CA is installed locally.*$/, '') ?? ''
  return code && !what.includes(code) ? `${what} (${code})` : what || String(code ?? error)
}
