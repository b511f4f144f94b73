/** `serve()` on Deno: `node:http` on Deno, through the same code as on Node. Runs directly too: `deno run -A runtimes/deno.ts`. */
import { createServer } from 'node:https'
import { main } from '../src/command.ts'
import type { Enforced, Enforcement } from '../src/enforcement.ts'
import type { App, Running, ServeOptions } from '../src/server.ts'
import { upgrade } from './deno-websocket.ts'
import { enforcement as onNode } from './node-enforcement.ts'
import { serveNodeHttp } from './node-http.ts'

export const engine = 'node:http on Deno'

const taken: Enforced = {
  by: 'hangup',
  stepMs: 0,
  how: 'swept every 100 ms: bytes taken by the kernel, written in pieces of 64 KiB; its send buffer is not seen',
}

export const enforcement: Enforcement = {
  ...onNode,
  writeTimeoutMs: taken,
  minResponseBytesPerSec: taken,
}

/**
 * Serves a `fetch` handler under a connection policy. Resolves when it listens; rejects with a `PolicyError` if the
 * policy cannot be, and with the cause named if the address can't be had. With `tls` it speaks HTTP/1.1.
 */
export function serve(app: App, options: ServeOptions = {}): Promise<Running> {
  return serveNodeHttp(app, options, {
    runtime: 'deno',
    enforcement,
    env: ({ incoming: { socket } }) => ({
      remoteAddr: { hostname: socket.remoteAddress, port: socket.remotePort, transport: 'tcp' },
    }),
    secure: (tlsOptions, listener) => createServer({ ...tlsOptions, allowHalfOpen: true } as object, listener),
    pieces: true,
    upgrade,
  })
}

if (import.meta.main) await main({ runtime: 'deno', engine, serve })
