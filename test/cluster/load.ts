/** Clients that keep their connections, and ask again as soon as they are answered. */
import { connect, type Socket } from 'node:net'
import type { Lifetime } from '../lib/program.ts'

export class Load {
  readonly #port: number
  readonly #path: string
  answered = 0
  /** Requests that got no whole response, and why. */
  readonly lost: string[] = []
  /** Connects that failed. */
  readonly refused: string[] = []
  /** Answers by whoever gave them. */
  readonly by = new Map<string, number>()
  #isOver = false
  readonly #sockets = new Set<Socket>()
  readonly #clients: Promise<void>[]

  /** It ends with its test. */
  constructor(t: Lifetime, port: number, clients: number, path = '/') {
    t.after(() => {
      this.#isOver = true
      for (const socket of this.#sockets) socket.destroy()
    })
    this.#port = port
    this.#path = path
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await Promise.all(this.#clients)
  }

  /** Half of the clients take a new connection for each request. */
  async #client(index: number): Promise<void> {
    const keeps = index % 2 === 0
    while (!this.#isOver) {
      const socket = await this.#connected()
      if (socket === null) continue
      let isKept = true
      while (isKept && !this.#isOver) isKept = await this.#ask(socket, keeps)
      socket.destroy()
    }
  }

  #connected(): Promise<Socket | null> {
    return new Promise((resolve) => {
      const socket = connect(this.#port, '127.0.0.1', () => {
        socket.off('error', failed)
        resolve(socket.on('error', () => {}))
      })
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      const failed = ({ code = '' }: NodeJS.ErrnoException): void => {
        this.refused.push(code)
        resolve(null)
      }
      socket.once('error', failed)
    })
  }

  /** Whether the connection may be used again. */
  #ask(socket: Socket, keeps: boolean): Promise<boolean> {
    return new Promise((resolve) => {
      let text = ''
      const done = (isKept: boolean): void => {
        socket.off('data', onData).off('close', onClose)
        resolve(isKept)
      }
      const onData = (bytes: Uint8Array): void => {
        text += Buffer.from(bytes).toString('latin1')
        const [, head, body = ''] = /^([\s\S]*?)\r\n\r\n([\s\S]*)$/.exec(text) ?? []
        if (head === undefined || body.length < Number(/content-length: (\d+)/i.exec(head)?.[1])) return
        if (!head.startsWith('HTTP/1.1 200 ')) this.lost.push(head)
        this.answered += 1
        this.by.set(body, (this.by.get(body) ?? 0) + 1)
        done(keeps && !/\r\nconnection: close/i.test(head))
      }
      const onClose = (): void => {
        this.lost.push(text === '' ? 'closed without a response' : `closed within a response: ${text}`)
        done(false)
      }
      socket.on('data', onData).on('close', onClose)
      socket.write(`GET ${this.#path} HTTP/1.1\r\nHost: a\r\n${keeps ? '' : 'Connection: close\r\n'}\r\n`)
    })
  }
}
