/**
 * What the admin listener answers: health, connections and their ends, and what an operator may do
 * about them.
 */
import { Hono } from 'hono'
import type { GatewayStatus } from '../gateway/status.ts'
import { type State, states } from '../lifecycle/states.ts'
import type { DescriptorsInUse, Observed } from '../observe/observer.ts'
import type { Reading } from '../observe/reading.ts'
import type { ConnectionsSummary, Running } from '../serve/contract.ts'
import { type PageOptions, pageRoutes } from './page/page.ts'
import { readingsOf } from './readings.ts'

/** What is asked of a server; a gateway is one, and so are several processes. */
export interface Administered extends Pick<Running, 'connections' | 'phase' | 'drain' | 'policy' | 'url' | 'engine'> {
  readonly observer: Observed
  /** Of several processes: brings all that is told up to date. Default: it is, at all times. */
  refresh?(wanted?: Wanted): Promise<void>
  /** For `/metrics`, where there is more to tell than of one server. */
  readings?(): Reading[]
  /** Of a gateway: its upstreams, their health and their connections. */
  upstreams?(): GatewayStatus
}

/** More than the page shows. */
export interface Wanted {
  /** Open connections in each state. Default 100. */
  readonly connections?: number
  /** For `/metrics`. */
  readonly readings?: boolean
}

/** What `GET /summary` answers. */
export interface Summary extends ConnectionsSummary, Pick<Running, 'url' | 'engine' | 'phase'> {
  /** Connections since the start. */
  readonly opened: number
  /** Null: they can't be told. */
  readonly descriptors: DescriptorsInUse | null
}

const mostListed = 10_000

const none = (id: string): string => `no open connection has the number ${id}\n`

/** As many as `?limit=` says, within bounds; null: it is not a number. */
function limitOf(text: string | undefined): number | null {
  if (text === undefined) return 100
  return /^\d{1,5}$/.test(text) ? Math.min(Number(text), mostListed) : null
}

/**
 * Routes for a listener of their own, or to be mounted in an app behind a login of its own: they
 * guard nothing. The page at `/`, and `GET /healthz`, `/readyz`, `/connections?state=&limit=`,
 * `/connections/:id`, `/ends?limit=`, `/lost`, `/summary`, `/upstreams`, `/metrics`; `POST
 * /connections/:id/close`, `/idle/close`, `/drain`.
 */
export function adminRoutes(server: Administered, page: PageOptions = {}): Hono {
  const app = new Hono()
  const { observer } = server
  observer.requests.areRead = true

  app.use(async function refreshed(c, next) {
    const connections = limitOf(c.req.query('limit')) ?? 0
    await server.refresh?.({ connections, readings: c.req.path.endsWith('/metrics') })
    await next()
  })
  app.route('/', pageRoutes(server, page))

  app.get('/healthz', (c) => c.text('ok\n'))
  app.get('/readyz', (c) => (server.phase === 'serving' ? c.text('ok\n') : c.text('draining\n', 503)))

  app.get('/summary', (c) => {
    const { url, engine, phase } = server
    const opened = observer.openedCount
    const descriptors = observer.descriptors()
    return c.json({ url, engine, phase, opened, descriptors, ...server.connections() } satisfies Summary)
  })

  app.get('/upstreams', (c) => {
    const upstreams = server.upstreams?.()
    return upstreams === undefined ? c.text('not a gateway: it has no upstreams\n', 404) : c.json(upstreams)
  })

  app.get('/metrics', async (c) => {
    const { exposition } = await import('../observe/exposition.ts')
    const { text, contentType } = await exposition(readingsOf(server))
    return c.body(text, 200, { 'Content-Type': contentType })
  })

  app.get('/connections', (c) => {
    const { state, limit: text } = c.req.query()
    const limit = limitOf(text)
    if (limit === null) return c.text(`limit=${text}: not a number\n`, 400)
    if (state !== undefined && !isState(state)) return c.text(`state=${state}: one of ${states.join(', ')}\n`, 400)
    return c.json(observer.list({ limit, ...(state !== undefined && { state }) }))
  })

  app.get('/connections/:id', async (c) => {
    const id = c.req.param('id')
    const open = await observer.one(Number(id))
    return open === null ? c.text(none(id), 404) : c.json(open)
  })

  app.get('/ends', (c) => {
    const { limit: text } = c.req.query()
    const limit = limitOf(text)
    if (limit === null) return c.text(`limit=${text}: not a number\n`, 400)
    return c.json(observer.ends().slice(0, limit))
  })

  app.get('/lost', (c) => c.json(observer.lost))

  app.post('/connections/:id/close', async (c) => {
    const id = c.req.param('id')
    return (await observer.close(Number(id))) ? c.body(null, 204) : c.text(none(id), 404)
  })

  app.post('/idle/close', async (c) => c.json({ closed: await observer.closeIdle() }))

  app.post('/drain', (c) => {
    // Whoever asked hears of its beginning; of its end, the exit status.
    server.drain().catch(() => {})
    return c.json({ phase: server.phase }, 202)
  })

  return app
}

const isState = (name: string): name is State => (states as readonly string[]).includes(name)
