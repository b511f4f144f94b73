import { hangup } from 'hangup/deno-serve'
import { Hono } from 'hono'

const app = new Hono().get('/', (c) => c.text('hello\n'))

export default hangup(app, { idleTimeoutMs: '5s' })
