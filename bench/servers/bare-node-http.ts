/** @hono/node-server alone, on Node or on Deno. */
import { serve } from '@hono/node-server'
import { app, port } from './hello.ts'

serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
