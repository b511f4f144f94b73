/**
 * `Request.textStream()`, which Bun and Deno have, reads a body as far as its limits allow, as every
 * other reader does.
 */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../lib/client.ts'
import { startProgram } from '../lib/program.ts'
import { commandOn } from '../lib/runtimes.ts'

const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

suite('textStream()', { concurrency: true }, () => {
  for (const runtime of ['bun', 'deno'] as const) {
    for (const engine of ['native', 'hangup']) {
      test(`reads text, and no further than the limits of a body: ${runtime}, ${engine} engine`, async (t) => {
        const { line } = await startProgram(t, commandOn(runtime, 'test/runtimes/text-stream-app.ts', engine))
        const answerTo = async (...parts: readonly string[]): Promise<string> => {
          const client = new Client(Number(line))
          for (const part of parts) {
            client.send(part)
            await sleep(30)
          }
          return (await client.heard(/\r\n\r\n[\s\S]+/)).slice(0, 12) + client.text.split('\r\n\r\n')[1]
        }
        // A character is cut in two.
        const cut = Buffer.from('wörld')
        const [first, second] = [cut.subarray(0, 2), cut.subarray(2)].map(
          (piece) => `${piece.length.toString(16)}\r\n${piece.toString('latin1')}\r\n`,
        )
        const whole = await Promise.all([
          answerTo(head, chunk('hello '), first!, `${second}0\r\n\r\n`),
          answerTo(head, chunk('x'.repeat(600)), chunk('x'.repeat(600)), '0\r\n\r\n'),
          answerTo(head, chunk('hello')),
        ])
        assert.match(whole[0]!, /^HTTP\/1\.1 20011 characters/)
        assert.match(whole[1]!, /^HTTP\/1\.1 413/)
        assert.match(whole[2]!, /^HTTP\/1\.1 408/)
      })
    }
  }
})
