import { serve } from 'hangup'
import { Hono } from 'hono'

const app = new Hono().get('/', (c) => c.text('hello\n'))

export default serve(app)
