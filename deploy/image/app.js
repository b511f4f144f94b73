import { Hono } from 'hono'

const app = new Hono()

app.get('/', (c) => c.text('hello\n'))

// What the health check of the image and the probes of Kubernetes ask for.
app.get('/healthz', (c) => c.text('ok\n'))

/** A request that takes its time: SIGTERM in its middle loses nothing of it. */
app.get('/slow', async (c) => {
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return c.text('slow\n')
})

export default app
