/** Deno.serve with nothing but a port. */
import { argv } from 'node:process'
import { pages } from './fetch.ts'

declare const Deno: { serve(options: { hostname: string; port: number }, fetch: typeof pages): unknown }

Deno.serve({ hostname: '127.0.0.1', port: Number(argv[2]) }, pages)
