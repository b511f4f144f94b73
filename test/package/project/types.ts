/** What a user's compiler sees of the package, with nothing but the types of Node beside it. */
import {
  type ConfigError,
  limits,
  type Policy,
  type RequestLimits,
  type Running,
  type ServeOptions,
  serve,
  withLimits,
} from 'hangup'
import { adminRoutes } from 'hangup/admin'
import { serve as serveOnBun } from 'hangup/bun'
import { serve as serveOnDeno } from 'hangup/deno'
import { type DenoServe, hangup } from 'hangup/deno-serve'
import { type GatewayFile, gateway, problemsOf } from 'hangup/gateway'
import { serve as serveOnNode } from 'hangup/node'
import { type CaseInput, type ProbeOptions, probe, type Report, type Step } from 'hangup/probe'
import { serve as serveOnWorkers, type Worker } from 'hangup/workers'

const options: ServeOptions = { port: 0, idleTimeoutMs: '30s', maxBodyBytes: '10mb', preset: ['aws-alb', 'kubernetes'] }
const app = (request: Request): Response => new Response(request.url)

export async function start(): Promise<Policy> {
  await using server: Running = await serve(app, { ...options, onError: (error, { url }) => console.error(url, error) })
  const { cut }: { readonly cut: number } = await server.drain({ announce: false })
  console.log(cut, server.address.port, server.phase === 'serving')
  return server.policy
}

const slow = { bodyTimeoutMs: '30m', handlerTimeoutMs: 'off', maxBodyBytes: 2 ** 31 } satisfies RequestLimits
export const routes = [limits(slow), withLimits(slow, app), withLimits({ writeTimeoutMs: 500 }, { fetch: app })]

export const elsewhere = [serveOnBun, serveOnDeno, serveOnNode].map((each) => each(app, options))
export const command: DenoServe = hangup(app, options)
export const worker: Worker = serveOnWorkers({ fetch: app }, { handlerTimeoutMs: '20s' })
export const operated = async (server: Running): Promise<Response> => adminRoutes(server).request('/summary')
export const isOurs = (error: ConfigError): boolean => error.code === 'CONFIG_INVALID'

const file = { to: 'http://127.0.0.1:8000', listen: { port: 8080 } } satisfies GatewayFile
export async function forward(): Promise<readonly string[]> {
  if ((await problemsOf(file)).length > 0) return []
  await using proxy = await gateway(file, { signals: false })
  return [...proxy.urls, ...(await proxy.reload({ ...file, to: ['http://127.0.0.1:8001'] }))]
}

const steps: Step[] = [
  { send: 'GET / HTTP/1.1\r\nHost: {host}\r\n\r\n' },
  { closes: { due: { from: 'sent', withinMs: 6_000 }, accept: ['fin'] } },
]
const own: CaseInput = { id: 'closes-soon', steps }
const probing: ProbeOptions = { expect: { idleTimeoutMs: '5s' }, cases: ['idle-', own] }
export const report: Promise<Report> = probe('http://127.0.0.1:3000', probing)

// @ts-expect-error the option has its unit in its name
serve(app, { idleTimeout: 5 })
// @ts-expect-error a connection has it, not a request
limits({ idleTimeoutMs: '5s' })
// @ts-expect-error there is no such preset
serve(app, { preset: 'nginx-plus' })
