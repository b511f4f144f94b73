/** What a user's compiler sees of the package, with nothing but the types of Node beside it. */
import { type ConfigError, type Policy, type Running, type ServeOptions, serve } from 'hangup'
import { serve as serveOnBun } from 'hangup/bun'
import { serve as serveOnDeno } from 'hangup/deno'
import { type DenoServe, hangup } from 'hangup/deno-serve'
import { serve as serveOnNode } from 'hangup/node'
import { serve as serveOnWorkers, type Worker } from 'hangup/workers'

const options: ServeOptions = { port: 0, idleTimeoutMs: '30s', maxBodyBytes: '10mb', preset: ['aws-alb', 'kubernetes'] }
const app = (request: Request): Response => new Response(request.url)

export async function start(): Promise<Policy> {
  await using server: Running = await serve(app, { ...options, onError: (error, { url }) => console.error(url, error) })
  const { cut }: { readonly cut: number } = await server.drain({ announce: false })
  console.log(cut, server.address.port, server.phase === 'serving')
  return server.policy
}

export const elsewhere = [serveOnBun, serveOnDeno, serveOnNode].map((each) => each(app, options))
export const command: DenoServe = hangup(app, options)
export const worker: Worker = serveOnWorkers({ fetch: app }, { handlerTimeoutMs: '20s' })
export const isOurs = (error: ConfigError): boolean => error.code === 'CONFIG_INVALID'

// @ts-expect-error the option has its unit in its name
serve(app, { idleTimeout: 5 })
// @ts-expect-error there is no such preset
serve(app, { preset: 'nginx-plus' })
