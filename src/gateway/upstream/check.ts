/**
 * An active health check: one GET on a connection of its own, up if the answer is 2xx or 3xx in
 * time.
 */

import { deferred } from '../../deferred.ts'
import type { ResponseHead } from '../../http1/head.ts'
import type { Clock } from '../../lifecycle/clock.ts'
import type { TransportDuplex } from '../../net/duplex.ts'
import type { Connect, ConnectTo } from '../../net/transport.ts'
import type { CheckConfig } from '../config/config.ts'
import { UpstreamConnection } from './connection.ts'
import type { Asker } from './upstream.ts'

/** `authority`: what `Host` says. */
export function checkUpstream(
  to: ConnectTo,
  authority: string,
  { path, timeoutMs }: CheckConfig,
  connect: Connect,
  clock: Clock,
): Promise<boolean> {
  const { promise, resolve } = deferred<boolean>()
  const controller = new AbortController()
  const { signal } = controller
  const cancelTimeout = clock.after(timeoutMs, () => controller.abort())
  let connection: UpstreamConnection | undefined
  const end = (up: boolean) => {
    cancelTimeout()
    resolve(up)
    connection?.abort()
  }
  const judge = ({ status }: ResponseHead) => end(status >= 200 && status < 400)
  const asker: Asker = {
    onInterim() {},
    onWhole: judge,
    onHead: judge,
    onData: () => true,
    onEnd() {},
    onUpgrade: (_: ResponseHead, stream: TransportDuplex) => {
      stream.destroy()
      end(false)
    },
    onWebSocket: () => end(false),
    onFailure: () => end(false),
  }
  signal.addEventListener('abort', () => end(false), { once: true })
  const owner = { now: clock.now, release() {}, remove() {}, surplus() {} }
  connect(
    to,
    (transport) => {
      connection = new UpstreamConnection(transport, owner, 0)
      return connection
    },
    signal,
  ).then(
    () =>
      connection?.send({
        asker,
        method: 'GET',
        target: path,
        host: authority,
        fields: ['User-Agent', 'hangup'],
        body: null,
        framing: 'none',
        upgrade: null,
        firstByteTimeoutMs: 0,
        readTimeoutMs: 0,
      }),
    () => end(false),
  )
  return promise
}
