/** Hono's own helpers of whichever runtime runs the application. */
import type { Context, MiddlewareHandler } from 'hono'
import type { GetConnInfo } from 'hono/conninfo'
import type { UpgradeWebSocket } from 'hono/ws'
import type { HostRuntime } from './case.ts'

export const runtime: HostRuntime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'

interface Helpers {
  readonly getConnInfo: GetConnInfo | ((c: Context<any>) => ReturnType<GetConnInfo>)
  readonly upgradeWebSocket: UpgradeWebSocket<any, any>
  serveStatic(options: { root: string; rewriteRequestPath(path: string): string }): MiddlewareHandler
  /** What the runtime's server needs beside the app to speak WebSocket. */
  readonly websocket?: unknown
}

async function load(): Promise<Helpers> {
  if (runtime === 'bun') return (await import('hono/bun')) as Helpers
  if (runtime === 'deno') return (await import('hono/deno')) as Helpers
  const [{ getConnInfo }, { serveStatic }, { upgradeWebSocket }, { WebSocketServer }] = await Promise.all([
    import('@hono/node-server/conninfo'),
    import('@hono/node-server/serve-static'),
    import('@hono/node-server'),
    import('ws'),
  ])
  return { getConnInfo, serveStatic, upgradeWebSocket, websocket: { server: new WebSocketServer({ noServer: true }) } }
}

export const { getConnInfo, upgradeWebSocket, serveStatic, websocket } = await load()
