import { goingAway, type LongLived, noCloseFrame } from '../../src/lifecycle/long-lived.ts'
import { closedByApplication } from '../../src/streams/web-socket-closer.ts'

/** Lets a drain close a WebSocket of Deno's. */
export function closedInDrain(socket: WebSocket, longLived: LongLived): void {
  const byApplication = closedByApplication(socket)
  const over = longLived.add('webSockets', () => {
    if (socket.readyState === WebSocket.OPEN) socket.close(goingAway)
    else socket.addEventListener('open', () => socket.close(goingAway), { once: true })
  })
  // Deno's own code of an end without a close frame is 0.
  socket.addEventListener('close', ({ code }) => over(code || noCloseFrame, byApplication()), { once: true })
}
