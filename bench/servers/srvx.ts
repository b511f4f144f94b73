/** srvx, which serves a `fetch` handler on each runtime's own server. */
import { serve } from 'srvx'
import { app, port } from './hello.ts'

serve({
  fetch: app.fetch as (request: Request) => Response | Promise<Response>,
  port,
  hostname: '127.0.0.1',
  silent: true,
})
