/** Bun.serve with nothing but a port. */
import { pages } from './fetch.ts'

declare const Bun: { serve(options: { hostname: string; port: number; fetch: typeof pages }): unknown }

Bun.serve({ hostname: '127.0.0.1', port: Number(process.argv[2]), fetch: pages })
