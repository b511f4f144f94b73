import { Hono } from 'hono'

/** The same app on every server of a comparison: an answer in the same turn, and one a turn later. */
export const app = new Hono()
  .get('/', (c) => c.text('hello\n'))
  .get('/async', async (c) => {
    await null
    return c.text('hello\n')
  })

export const port = Number(process.argv[2])
