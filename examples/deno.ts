import { serve } from 'hangup'
import { Hono } from 'hono'
import { upgradeWebSocket } from 'hono/deno'

const app = new Hono()
  .get('/', (c) => c.text('hello\n'))
  .get(
    '/echo',
    upgradeWebSocket(() => ({ onMessage: ({ data }, ws) => ws.send(String(data)) })),
  )

const server = await serve(app, { port: Number(process.env.PORT ?? 3000) })
console.log(`Listening on ${server.url}`)
