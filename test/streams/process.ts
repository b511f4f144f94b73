/** `app.ts` under one runtime, and a client of its streams. */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { Client as RawClient } from '../lib/client.ts'
import { type Lifetime, launch } from '../lib/program.ts'
import { commandOn, type RuntimeName } from '../lib/runtimes.ts'
import type { Order } from './app.ts'

export interface StreamsProcess {
  /** Obeyed, with its result. */
  tell<T = number>(order: Order): Promise<T>
}

export function startStreams(t: Lifetime, runtime: RuntimeName): StreamsProcess {
  const program = launch(t, commandOn(runtime, 'test/streams/app.ts'), { stdin: true })
  const { child } = program
  const waiting = new Map<number, { resolve(result: any): void; reject(error: Error): void }>()
  let next = 0
  createInterface(child.stdout).on('line', (line) => {
    const { id, result, error } = JSON.parse(line)
    const { resolve, reject } = waiting.get(id)!
    waiting.delete(id)
    if (error === undefined) resolve(result)
    else reject(new Error(error))
  })
  void program.exited.then(({ code, stderr }) => {
    for (const { reject } of waiting.values()) reject(new Error(`it ended with ${code}: ${stderr}`))
  })
  return {
    tell: (order) =>
      new Promise((resolve, reject) => {
        const id = next++
        waiting.set(id, { resolve, reject })
        child.stdin?.write(`${JSON.stringify({ id, order })}\n`)
      }),
  }
}

export class Client extends RawClient {
  ask(path: string, method = 'GET'): this {
    const length = method === 'POST' ? 'Content-Length: 0\r\n' : ''
    return this.send(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${length}\r\n`)
  }

  upgrade(): this {
    const key = randomBytes(16).toString('base64')
    return this.send(
      `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    )
  }

  async has(what: string | RegExp, withinMs = 5_000): Promise<void> {
    const isThere = () => (typeof what === 'string' ? this.text.includes(what) : what.test(this.text))
    if (await this.until(isThere, withinMs)) return
    throw new Error(`${what} did not come within ${withinMs} ms: ${JSON.stringify(this.text.slice(-500))}`)
  }
}
