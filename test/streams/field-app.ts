/**
 * Applications as people write them over streams, under each runtime: an MCP server of the official
 * SDK, an OpenAI-style completion, events for a browser. `field-app.ts ENGINE` prints its URL;
 * a line on standard input drains it.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { Hono } from 'hono'
import { streamSSE } from 'hono/streaming'
import type { App, EngineChoice, Running, ServeOptions } from '../../src/serve/contract.ts'
import type { heartbeat as heartbeatOf } from '../../src/streams/heartbeat.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const { serve, heartbeat } = (await import(`../../runtimes/${runtime}/index.ts`)) as {
  serve(app: App, options: ServeOptions): Promise<Running>
  heartbeat: typeof heartbeatOf
}

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()

/** Counts aloud, a notification for each number. */
async function newSession(): Promise<WebStandardStreamableHTTPServerTransport> {
  const mcp = new McpServer({ name: 'counter', version: '1.0.0' })
  mcp.registerTool('count', { description: 'counts to three' }, async ({ sendNotification, _meta }) => {
    for (let progress = 1; progress <= 3; progress++) {
      await sleep(150)
      const progressToken = _meta?.progressToken ?? 0
      await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, total: 3 } })
    }
    return { content: [{ type: 'text', text: 'three' }] }
  })
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => crypto.randomUUID(),
    onsessioninitialized: (id) => void sessions.set(id, transport),
    onsessionclosed: (id) => void sessions.delete(id),
  })
  await mcp.connect(transport)
  return transport
}

const app = new Hono()
  .use(heartbeat('50ms'))
  .all('/mcp', async (c) => {
    const known = sessions.get(c.req.header('mcp-session-id') ?? '')
    return (known ?? (await newSession())).handleRequest(c.req.raw)
  })
  .post('/v1/chat/completions', async (c) => {
    const { model, messages } = await c.req.json()
    return streamSSE(c, async (stream) => {
      for (const content of ['you ', 'said ', messages.at(-1).content]) {
        await sleep(150)
        const choices = [{ index: 0, delta: { content }, finish_reason: null }]
        await stream.writeSSE({
          data: JSON.stringify({ id: 'a', object: 'chat.completion.chunk', created: 0, model, choices }),
        })
      }
      await stream.writeSSE({ data: '[DONE]' })
    })
  })
  .get('/', (c) => c.html('<!doctype html><title>events</title>'))
  .get('/events', (c) =>
    streamSSE(c, async (stream) => {
      for (let id = 1; !stream.aborted; id++) {
        await stream.writeSSE({
          id: `${id}`,
          data: `from ${process.pid}, last ${c.req.header('last-event-id') ?? 'none'}`,
        })
        await stream.sleep(200)
      }
    }),
  )

const [, , engine, port = '0'] = process.argv
const server = await serve(app, {
  port: Number(port),
  host: '127.0.0.1',
  engine: engine as EngineChoice,
  signals: false,
  minIdleMs: 50,
  // Clients that reuse their connections are to have the time for it.
  idleTimeoutMs: 5_000,
  // Shorter than every quiet time of these streams.
  writeTimeoutMs: 100,
})
console.log(server.url)
process.stdin.once('data', async () => {
  console.log(JSON.stringify(await server.drain()))
  process.exit(0)
})
