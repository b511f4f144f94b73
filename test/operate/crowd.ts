/** Clients of one server that do what clients do: come, ask, wait, upload, fall silent, reset. */
import { connect, type Socket } from 'node:net'

export class Crowd {
  readonly #port: number
  readonly #sockets = new Set<Socket>()

  constructor(port: number) {
    this.#port = port
  }

  get size(): number {
    return this.#sockets.size
  }

  /** Resolves when what it asked for has begun to come. */
  ask(text: string, then: (socket: Socket) => void = () => {}): Promise<Socket> {
    const socket = connect(this.#port, '127.0.0.1')
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    socket.write(text)
    then(socket)
    return new Promise((resolve) => {
      socket.once('data', () => resolve(socket)).resume()
      socket.once('close', () => resolve(socket))
    })
  }

  get(path: string, then?: (socket: Socket) => void): Promise<Socket> {
    return this.ask(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`, then)
  }

  leave(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Comes in waves, for so long. */
  live(ms: number): Promise<void> {
    return new Promise((resolve) => {
      let tick = 0
      const timer = setInterval(() => {
        tick += 1
        const wave = 1 + Math.sin(tick / 17)
        for (let count = Math.random(); count < wave; count++) this.#visit()
        if (tick % 2 === 0) void this.get('/reports/monthly?token=secret')
        if (tick % 5 === 0) void this.get('/feed')
        if (tick % 4 === 0) void this.#upload()
        if (tick % 9 === 0) void this.ask('GET /cart HTT')
        if (tick % 16 === 0) void this.get('/').then((socket) => setTimeout(() => socket.resetAndDestroy(), 2_000))
      }, 250)
      setTimeout(() => {
        clearInterval(timer)
        resolve()
      }, ms)
    })
  }

  #visit(): void {
    void this.get('/').then((socket) => {
      if (Math.random() < 0.5) setTimeout(() => socket.write('GET /cart HTTP/1.1\r\nHost: a\r\n\r\n'), 2_000)
      if (Math.random() < 0.3) setTimeout(() => socket.end(), 5_000)
    })
  }

  #upload(): Promise<Socket> {
    return this.ask('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n', (socket) => {
      let sent = 0
      const timer = setInterval(() => {
        sent += 1
        socket.write('x'.repeat(2_000))
        if (sent === 20) clearInterval(timer)
      }, 300)
      socket.on('close', () => clearInterval(timer))
    })
  }
}
