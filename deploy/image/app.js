import { Hono } from 'hono'

const app = new Hono()

app.get('/', (c) => c.text('hello\n'))

// What the health check of the image and the probes of Kubernetes ask for.
app.get('/healthz', (c) => c.text('ok\n'))

export default app
