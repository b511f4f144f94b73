import { goingAway, type LongLived } from '../../src/lifecycle/long-lived.ts'

/** Lets a drain close a WebSocket of Deno's. */
export function closedInDrain(socket: WebSocket, longLived: LongLived): void {
  const over = longLived.add('webSockets', () => {
    if (socket.readyState === WebSocket.OPEN) socket.close(goingAway)
    else socket.addEventListener('open', () => socket.close(goingAway), { once: true })
  })
  socket.addEventListener('close', over, { once: true })
}
