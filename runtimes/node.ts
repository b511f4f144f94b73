/** `serve()` on Node: `node:http` under @hono/node-server. Runs directly too: `node runtimes/node.ts --port 3000`. */
import { createSecureServer } from 'node:http2'
import { main } from '../src/command.ts'
import type { App, Running } from '../src/server.ts'
import { enforcement } from './node-enforcement.ts'
import { type NodeServeOptions, serveNodeHttp } from './node-http.ts'

export const engine = 'node:http'
export { enforcement }

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `PolicyError` if the
 * policy cannot be, and with the cause named if the address can't be had. With `tls` it speaks HTTP/1.1 and HTTP/2 (ALPN).
 */
export function serve(app: App, options: NodeServeOptions = {}): Promise<Running> {
  return serveNodeHttp(app, options, {
    runtime: 'node',
    enforcement,
    env: (bindings) => bindings,
    secure: (tlsOptions, listener) =>
      createSecureServer({ ...tlsOptions, allowHTTP1: true, allowHalfOpen: true } as any, listener) as any,
    pieces: false,
  })
}

if (import.meta.main) await main({ runtime: 'node', engine, serve })
