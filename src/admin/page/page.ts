/**
 * The page of a server's connections: a document that is whole without scripts, and live with them.
 * It guards nothing; forms of other sites are refused.
 */
import { Hono } from 'hono'
import { csrf } from 'hono/csrf'
import { html, raw } from 'hono/html'
import { backgroundClock, type ServerClock } from '../../lifecycle/clock.ts'
import type { Administered } from '../routes.ts'
import type { Html } from './chart.ts'
import { type Group, isGroup } from './groups.ts'
import { History } from './history.ts'
import { Live } from './live.ts'
import { script } from './script.ts'
import { sectionsOf } from './sections.ts'
import { style } from './style.ts'

export interface PageOptions {
  /** Its timers should not keep the process alive. Default: those of the system that don't. */
  readonly clock?: ServerClock
  /**
   * The page goes on being live while the server drains. On the server itself it must not, as the
   * drain would wait for it. Default false.
   */
  readonly outlivesDrain?: boolean
}

/** Nothing but the page's own files, and nobody shows it in a frame. */
const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A handset on the hook. */
const handset =
  '<path d="M6 17c6-5.5 14-5.5 20 0" stroke-width="4"/><path d="M5.5 20l3.6-3M26.5 20l-3.6-3" stroke-width="8"/>'
const icon = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="none" stroke="#d6455d" stroke-linecap="round">${handset}</svg>`)}`

/**
 * The folder that the page is, seen from its own address: it may be mounted with or without a slash
 * at its end.
 */
const folderOf = (path: string): string => (path.endsWith('/') ? './' : `${path.slice(path.lastIndexOf('/') + 1)}/`)

const groupIn = (name: string | undefined): Group | null => (name !== undefined && isGroup(name) ? name : null)

/**
 * `GET /`, `/events`, `/page.css`, `/page.js`; `POST /` with one of `close=<number>`, `idle`,
 * `drain`.
 */
export function pageRoutes(
  server: Administered,
  { clock = backgroundClock, outlivesDrain = false }: PageOptions = {},
): Hono {
  const history = new History(server, clock)
  const make = (show: Group | null) => sectionsOf({ server, moments: history.read(), now: clock.now() }, show)
  const isOver = () => !outlivesDrain && server.phase !== 'serving'
  const live = new Live({ make, clock, isOver, ...(server.refresh && { refresh: () => server.refresh!() }) })
  const app = new Hono()

  app.use(async (c, next) => {
    await next()
    c.header('Cache-Control', 'no-store')
    c.header('Content-Security-Policy', contentPolicy)
    c.header('Referrer-Policy', 'same-origin')
    c.header('X-Content-Type-Options', 'nosniff')
  })

  app.get('/', (c) => {
    const show = groupIn(c.req.query('show'))
    return c.html(documentOf(folderOf(c.req.path), show, [...make(show).values()]))
  })
  app.get('/page.css', (c) => c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
  app.get('/page.js', (c) => c.body(script, 200, { 'Content-Type': 'text/javascript; charset=utf-8' }))

  app.get('/events', (c) => {
    if (isOver()) return c.text('the server is draining\n', 503)
    return c.body(live.attend(groupIn(c.req.query('show'))), 200, { 'Content-Type': 'text/event-stream' })
  })

  app.post('/', csrf(), async (c) => {
    const said = await act(server, await c.req.parseBody())
    if (said === null) return c.text('expected one of close=<number>, idle, drain\n', 400)
    return c.req.header('accept')?.includes('text/html')
      ? c.redirect(`${folderOf(c.req.path)}${new URL(c.req.url).search}`, 303)
      : c.text(said)
  })

  return app
}

/**
 * Does what the form asks for, and says what it did; null: the form asks for nothing that is known.
 */
async function act(
  server: Administered,
  { close, idle, drain }: Readonly<Record<string, unknown>>,
): Promise<string | null> {
  const { observer } = server
  if (typeof close === 'string' && /^\d+$/.test(close)) {
    return (await observer.close(Number(close)))
      ? `Connection ${close} is being closed.`
      : `Connection ${close} has ended already.`
  }
  if (idle !== undefined) {
    const count = await observer.closeIdle()
    return count === 1 ? 'One idle connection is being closed.' : `${count} idle connections are being closed.`
  }
  if (drain === undefined) return null
  server.drain().catch(() => {})
  return 'The server drains.'
}

/** Apart: bundlers rewrite a tagged template that has it, for code that stands in a page itself. */
const endOfScript = raw('</script>')

function documentOf(folder: string, show: Group | null, sections: readonly string[]): Html {
  const events = `${folder}events${show === null ? '' : `?show=${show}`}`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>hangup: connections</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${folder}page.css">
<script src="${folder}page.js" defer>${endOfScript}
</head>
<body data-events="${events}">
<header>
<h1><svg viewBox="0 0 32 32" aria-hidden="true">${raw(handset)}</svg>hangup</h1>
<p class="live"><span id="live" role="status">not live: reload for newer figures</span> <button id="pause" type="button" hidden>Pause</button></p>
</header>
<form id="act" method="post"></form>
<p id="said" role="status"></p>
<main>
${sections.map((section) => raw(section))}
</main>
</body>
</html>`
}
