/** `Bun.serve` alone. */
import { fetch, port } from './hello.ts'

declare const Bun: { serve(options: object): unknown }

Bun.serve({ fetch, port, hostname: '127.0.0.1' })
