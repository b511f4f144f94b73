import { serve } from 'hangup'
import { Hono } from 'hono'

const app = new Hono().get('/', (c) => c.text('hello\n'))

const server = await serve(app, { port: Number(process.env.PORT ?? 3000), idleTimeoutMs: '5s' })
console.log(`Listening on ${server.url}`)
