import { goingAway, type LongLived } from '../../src/lifecycle/long-lived.ts'

/** RFC 6455 7.4.1. */
const noCloseFrame = 1006

/** Lets a drain close a WebSocket of Deno's. */
export function closedInDrain(socket: WebSocket, longLived: LongLived): void {
  const over = longLived.add('webSockets', () => {
    if (socket.readyState === WebSocket.OPEN) socket.close(goingAway)
    else socket.addEventListener('open', () => socket.close(goingAway), { once: true })
  })
  // Deno's own code of an end without a close frame is 0.
  socket.addEventListener('close', ({ code }) => over(code || noCloseFrame), { once: true })
}
