/** An echo by Hono's helpers for WebSockets, for `test/lib/listener.ts` under each runtime. */
import { Hono } from 'hono'
import type { WSContext, WSEvents } from 'hono/ws'
import { upgradeWebSocket, websocket } from '../application/helpers.ts'
import { pleaseClose } from './please-close.ts'

const bytesOf = async (data: unknown): Promise<string | ArrayBuffer> =>
  data instanceof Blob ? await data.arrayBuffer() : (data as string | ArrayBuffer)

/** Deno gives a Blob, whose bytes come later: each answer waits for the one before it. */
function echo(): WSEvents {
  let last: Promise<void> = Promise.resolve()
  const answer = async (data: unknown, socket: WSContext, before: Promise<void>) => {
    const bytes = await bytesOf(data)
    await before
    if (socket.readyState === 1) socket.send(bytes)
  }
  return {
    onMessage({ data }, socket) {
      if (data === pleaseClose) socket.close(1000)
      else if (typeof data === 'string') socket.send(data)
      else last = answer(data, socket, last)
    },
  }
}

const app = new Hono().get('/', (c) => c.text('hello\n')).get('/ws', upgradeWebSocket(echo))

export { websocket }
export default app
