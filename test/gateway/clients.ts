/** Clients of a gateway, for tests that count rather than look at bytes. */
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tcpRows } from '../../src/probe/client/kernel.ts'

export interface Answered {
  readonly status: number
  readonly body: string
  readonly headers: NodeJS.Dict<string | string[]>
  readonly trailers: NodeJS.Dict<string>
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  readonly agent?: Agent
}

/** Rejects where the answer does not come or is not whole. */
export function ask(port: number, path: string, options: AskOptions = {}): Promise<Answered> {
  const { method = 'GET', headers = {}, body, agent } = options
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.once('error', reject)
      answer.once('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          body: Buffer.concat(pieces).toString('latin1'),
          headers: answer.headers,
          trailers: answer.trailers,
        }),
      )
    })
    asked.once('error', reject)
    asked.end(body)
  })
}

/**
 * So many clients at once, each with its own connection that it keeps, until `total` have asked;
 * what went wrong, by what it was.
 */
export async function load(
  clients: number,
  total: number,
  one: (agent: Agent, number: number) => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const failures: Record<string, number> = {}
  let asked = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (asked < total) {
        try {
          await one(agent, asked++)
        } catch (error) {
          const why = (error as Error).message
          failures[why] = (failures[why] ?? 0) + 1
        }
      }
      agent.destroy()
    }),
  )
  return failures
}

/** A connection that has sent this, and is left as it is. */
export function opened(port: number, text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => {
      socket.write(text, () => resolve(socket))
    })
    socket.once('error', reject)
  })
}

/** Connections to a port of this machine that its process holds, as its kernel shows them. */
export function connectionsTo(port: number): number {
  const rows = tcpRows(performance.now()) ?? []
  return rows.filter(({ localPort, state, inode }) => localPort === port && state !== 'LISTEN' && inode !== 0).length
}

/** The first value that will do, or the last at the deadline. */
export async function eventually<T>(look: () => T, willDo: (value: T) => boolean, withinMs: number): Promise<T> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const value = look()
    if (willDo(value) || performance.now() >= deadlineMs) return value
    await sleep(20)
  }
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
