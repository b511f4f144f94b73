/**
 * What an API is in production: five middlewares, a validator among them, and a JSON of 1 KB under
 * eight fields. Those that are set are what is left when each middleware is asked for what it is
 * for.
 */
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { timing } from 'hono/timing'
import { validator } from 'hono/validator'

const orders = Array.from({ length: 8 }, (_, i) => ({
  id: `ord_${10_482 + i}`,
  customer: `cus_${77_310 + 13 * i}`,
  status: i % 3 === 0 ? 'shipped' : 'paid',
  total: 1_990 + 415 * i,
  currency: 'EUR',
  createdAt: '2026-11-30T08:15:00Z',
}))

const page = validator('query', ({ page = '1', limit = '8' }, c) => {
  const [from, most] = [Number(page), Number(limit)]
  if (!Number.isInteger(from) || !Number.isInteger(most) || most > 8) return c.json({ error: 'page, limit' }, 400)
  return { from, most }
})

export const api = new Hono()
  .use(requestId())
  .use(timing())
  .use(
    secureHeaders({
      crossOriginResourcePolicy: false,
      crossOriginOpenerPolicy: false,
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xFrameOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
    }),
  )
  .use(cors({ origin: 'https://app.example.com' }))
  .get('/orders', page, (c) => {
    const { from, most } = c.req.valid('query')
    return c.json({ page: from, total: 8, orders: orders.slice(0, most) })
  })
