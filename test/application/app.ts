/**
 * One application with a route for each case: `/tcp/<id>`, `/tls/<id>`, `/h2/<id>`, so that a line
 * in the log names its case.
 */
import process from 'node:process'
import { Hono } from 'hono'
import { transports } from './case.ts'
import { cases } from './cases/index.ts'
import { runtime, websocket } from './helpers.ts'
import { asked, notesOf, pathOf } from './journal.ts'

export { websocket }

type Fetch = (request: Request, env: any) => unknown

const plain = new Map<string, Fetch>()
const hono = new Hono()
  .get('/hello', (c) => c.text('hello\n'))
  .get('/asked/:over/:id', (c) => c.json(asked.get(`/${c.req.param('over')}/${c.req.param('id')}`) ?? 0))
  .get('/notes/:over/:id', (c) => c.json(notesOf(`/${c.req.param('over')}/${c.req.param('id')}`)))

for (const theCase of cases) {
  if (theCase.on?.includes(runtime) === false) continue
  for (const over of theCase.over ?? transports) {
    const path = `/${over}/${theCase.id}`
    if ('fetches' in theCase) {
      plain.set(path, theCase.fetches)
      continue
    }
    const route = new Hono()
    if ('returns' in theCase) route.all('/*', theCase.returns as any)
    else theCase.routes(route, path)
    hono.route(path, route)
  }
}

// A promise or an event that nobody takes care of ends the process, on every runtime alike.
for (const event of ['unhandledRejection', 'uncaughtException'] as const) {
  process.on(event, (error) => {
    console.error(`${event}:`, error)
    process.exit(70)
  })
}

export default {
  fetch(request: Request, ...rest: [any]) {
    const path = pathOf(request.url)
    asked.set(path, (asked.get(path) ?? 0) + 1)
    const fetch = plain.get(path)
    return (fetch ?? (hono.fetch as Fetch))(request, ...rest) as Response | Promise<Response>
  },
}
