/** Connections to upstreams on `Bun.connect`. */

import { closeSync, openSync } from 'node:fs'
import { connect as connectTcp } from 'node:net'
import { deferred } from '../../src/deferred.ts'
import type { Connect, ConnectTo } from '../../src/net/transport.ts'
import { clientContext } from '../client-context.ts'
import { alpn, type BunSocket, BunTransport, http, nativeOf } from './transport.ts'

declare const Bun: { connect(options: object): Promise<BunSocket> }

/**
 * Addresses that let a connect wait until nobody waited for it any more. Bun can't take one back:
 * it stays, with its descriptor, until the kernel gives up (`tcp_syn_retries`: two minutes). So a
 * socket that can be taken back is sent ahead there.
 */
const silent = new Set<string>()

function scout({ host, port }: ConnectTo, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const tcp = connectTcp({ host, port })
    const giveUp = () => {
      tcp.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    tcp.on('error', reject).once('connect', () => {
      tcp.destroy()
      resolve()
    })
    tcp.once('close', () => signal.removeEventListener('abort', giveUp))
  })
}

/**
 * What went wrong in a handshake was the certificate (`CERT_HAS_EXPIRED`, …) or all of it
 * (`EPROTO`, `ECONNRESET`). Bun's `success` does not tell them apart: after a certificate was
 * refused, it was false, too, where none was to be verified.
 */
const ofCertificate = ({ code = '' }: NodeJS.ErrnoException) => code.includes('_')

/**
 * Bun says that the upstream refuses when there was no descriptor to ask it with: then there is
 * none to open a file with, either.
 */
function truly(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error.code !== 'ECONNREFUSED') return error
  try {
    closeSync(openSync('/dev/null', 'r'))
  } catch (shortage) {
    return shortage as NodeJS.ErrnoException
  }
  return error
}

const resetInHandshake = () =>
  Object.assign(new Error('the connection was reset in its TLS handshake'), { code: 'ECONNRESET' })

export const connect: Connect = async (to, accept, signal) => {
  signal.throwIfAborted()
  const { host, port, unix, tls, preamble } = to
  const context = tls && clientContext(tls)
  const address = `${host} ${port}`
  if (unix === undefined && silent.has(address)) {
    await scout(to, signal)
    silent.delete(address)
  }
  const { promise, resolve, reject } = deferred()
  let opened: BunSocket | null = null

  const begin = (socket: BunSocket) => {
    const transport = new BunTransport(socket)
    socket.data = transport
    transport.events = accept(transport)
    resolve()
  }
  const secured = {
    ...http,
    handshake(socket: BunSocket, success: boolean, error: NodeJS.ErrnoException | null) {
      if (signal.aborted) return
      if (error === null ? success : !tls?.verify && ofCertificate(error)) begin(socket)
      else {
        reject(error)
        socket.close()
      }
    },
    close(socket: BunSocket) {
      if (socket.data === undefined) reject(resetInHandshake())
      else http.close(socket)
    },
    end(socket: BunSocket) {
      if (socket.data === undefined) socket.close()
      else http.end(socket)
    },
  }
  const open = (socket: BunSocket) => {
    opened = socket
    if (signal.aborted) {
      socket.terminate()
      return
    }
    // Nothing is in its way yet.
    if (preamble !== undefined) socket.write(preamble, 0, preamble.length)
    if (tls === undefined || context === undefined) {
      begin(socket)
      return
    }
    const { servername, verify } = tls
    socket.upgradeTLS({
      tls: {
        secureContext: nativeOf(context),
        serverName: servername,
        rejectUnauthorized: verify,
        ALPNProtocols: alpn,
      },
      socket: secured,
    })
  }
  const connecting = Bun.connect({
    ...(unix === undefined ? { hostname: host, port } : { unix }),
    allowHalfOpen: true,
    // Under TLS this one has nothing to say, but Bun wants one of these two.
    socket:
      tls === undefined
        ? { ...http, open }
        : { open, drain() {}, error: (_: BunSocket, error: Error) => reject(error) },
  })
  connecting.catch((error) => reject(truly(error)))

  const giveUp = () => {
    reject(signal.reason)
    if (opened !== null) opened.terminate()
    else if (unix === undefined) {
      silent.add(address)
      const forget = () => silent.delete(address)
      connecting.then(forget, forget)
    }
  }
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
}
