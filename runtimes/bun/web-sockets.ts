/** Handlers of Bun's WebSockets that let a drain close each of them. */
import { goingAway, type LongLived } from '../../src/lifecycle/long-lived.ts'
import { closedByApplication } from '../../src/streams/web-socket-closer.ts'

interface ServerWebSocket {
  close(code: number, reason?: string): void
  terminate(): void
  ping(): unknown
}

interface Handlers {
  open?(socket: ServerWebSocket): unknown
  close?(socket: ServerWebSocket, code: number, reason: string): unknown
}

export function endedInDrain(handlers: Handlers, longLived: LongLived): Handlers {
  const over = new WeakMap<ServerWebSocket, (code: number) => void>()
  return Object.assign(Object.create(handlers), {
    open(socket: ServerWebSocket) {
      const byApplication = closedByApplication(socket)
      const ended = longLived.add(
        'webSockets',
        () => socket.close(goingAway),
        () => void socket.ping(),
      )
      over.set(socket, (code) => ended(code, byApplication()))
      return handlers.open?.(socket)
    },
    close(socket: ServerWebSocket, code: number, reason: string) {
      over.get(socket)?.(code)
      return handlers.close?.(socket, code, reason)
    },
  } satisfies Handlers)
}
