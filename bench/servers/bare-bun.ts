/** `Bun.serve` alone. */
import { app, port } from './hello.ts'

declare const Bun: { serve(options: object): unknown }

Bun.serve({ fetch: app.fetch, port, hostname: '127.0.0.1' })
