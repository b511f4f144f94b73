/**
 * Official clients against streams on every engine: an MCP client, OpenAI's, `EventSource` in
 * Chromium; what they hear, and that they survive a deployment.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { OpenAI } from 'openai'
import { type Lifetime, startProgram } from '../lib/program.ts'
import { commandOn, type RuntimeName } from '../lib/runtimes.ts'
import { launch, noBrowser } from '../operate/browser.ts'

type Engine = 'native' | 'hangup'

interface Server {
  readonly url: string
  /** Resolves to what the drain gave, when the process has ended. */
  drain(): Promise<{ cut: number; eventStreams?: { ended: number; cut: number } }>
}

async function start(t: Lifetime, runtime: RuntimeName, engine: Engine, port = 0): Promise<Server> {
  const command = commandOn(runtime, 'test/streams/field-app.ts', engine, `${port}`)
  const { line: url, say, exited } = await startProgram(t, command, { stdin: true })
  return {
    url,
    async drain() {
      const result = JSON.parse(await say('drain'))
      await exited
      return result
    },
  }
}

/** A tool that takes a while and reports its progress, over the stream that answers its POST. */
async function countsByMcp({ url }: Server): Promise<void> {
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(new StreamableHTTPClientTransport(new URL('mcp', url)))
  const progress: number[] = []
  const onprogress = (told: { progress: number }) => void progress.push(told.progress)
  const result = await client.callTool({ name: 'count', arguments: {} }, undefined, { onprogress })
  assert.deepEqual([result.content, progress], [[{ type: 'text', text: 'three' }], [1, 2, 3]])
  await client.close()
}

async function completes({ url }: Server, begun: () => void): Promise<void> {
  const openai = new OpenAI({ apiKey: 'none', baseURL: `${url}v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'hello' }]
  let text = ''
  for await (const { choices } of await openai.chat.completions.create({ model: 'm', messages, stream: true })) {
    text += choices[0]?.delta.content ?? ''
    begun()
  }
  assert.equal(text, 'you said hello')
}

describe('field tests of streams', { concurrency: true }, () => {
  for (const runtime of ['node', 'bun', 'deno'] as const) {
    for (const engine of ['native', 'hangup'] as const) {
      test(`MCP and OpenAI’s client on ${runtime}, engine ${engine}`, { timeout: 60_000 }, async (t) => {
        const server = await start(t, runtime, engine)
        await Promise.all([countsByMcp(server), completes(server, () => {})])
        // What answers a POST is whole even if the server drains meanwhile.
        const drained = new Promise<{ cut: number }>((resolve) => {
          let isBegun = false
          const begun = () => {
            if (!isBegun) resolve(server.drain())
            isBegun = true
          }
          void completes(server, begun)
        })
        assert.equal((await drained).cut, 0)
      })
    }
  }

  test('EventSource in Chromium goes over to the next server, with the id of its last event', {
    skip: noBrowser,
    timeout: 60_000,
  }, async (t) => {
    const browser = await launch()
    t.after(() => browser.close())
    await Promise.all(
      (['node', 'bun', 'deno'] as const).map(async (runtime) => {
        const first = await start(t, runtime, 'hangup')
        const page = await browser.newPage()
        await page.goto(first.url)
        await page.evaluate(() => {
          const seen: string[] = []
          Object.assign(globalThis, { seen })
          const source = new EventSource('/events')
          source.onopen = () => seen.push('open')
          source.onmessage = ({ data }) => seen.push(data)
          source.onerror = () => seen.push(`error ${source.readyState}`)
        })
        const seen = () => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
        const until = (what: RegExp) =>
          page.waitForFunction(
            (source) =>
              (globalThis as unknown as { seen: string[] }).seen.some((text) => new RegExp(source).test(text)),
            what.source,
          )
        await until(/^from \d+, last none/)
        const { cut, eventStreams } = await first.drain()
        assert.deepEqual([cut, eventStreams], [0, { ended: 1, cut: 0 }])
        await start(t, runtime, 'native', Number(new URL(first.url).port))
        await until(/last \d+$/)
        // 0: it connects anew by itself. 2 would be its end.
        assert.ok(!(await seen()).includes('error 2'))
      }),
    )
  })
})
