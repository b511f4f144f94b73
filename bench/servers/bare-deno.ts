/** `Deno.serve` alone: for the record, because it closes nothing. */
import { fetch, port } from './hello.ts'

declare const Deno: { serve(options: object, handler: unknown): unknown }

Deno.serve({ port, hostname: '127.0.0.1' }, fetch)
