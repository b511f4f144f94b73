/**
 * The timer of Deno's own server-side WebSockets. An end that is not clean (RST, a vanished peer)
 * leaves it running, and with it the process, for half of `idleTimeout`: 15 s by default. Deno sets
 * it anew, and so takes the old one away, whenever a message comes; that is done once more at the
 * end, for no time at all. Deno 2.9 keeps both under symbols (ext/websocket/01_websocket.js); where
 * they are elsewhere, the timer is left to run out.
 */
const symbolIn = (holder: object, description: string): symbol =>
  Object.getOwnPropertySymbols(holder).find((symbol) => symbol.description === description) ?? Symbol(description)

const setAnew = symbolIn(WebSocket.prototype, '[[serverHandleIdleTimeout]]')

/** In seconds; 0 is off, and would leave the old one. */
const atOnce = 1e-3

export function endTimerWith(socket: WebSocket): void {
  const idleTimeout = symbolIn(socket, '[[idleTimeout]]')
  socket.addEventListener('close', ({ wasClean }) => {
    const slots = socket as unknown as Record<symbol, unknown>
    const set = slots[setAnew]
    if (wasClean || typeof set !== 'function' || !slots[idleTimeout]) return
    slots[idleTimeout] = atOnce
    set.call(socket)
  })
}

/** Deno closes a client by itself so much later than we do, and pings it at half of that. */
const later = 1.1

/**
 * Deno's own `idleTimeout`, in seconds, for `webSocketIdleTimeoutMs`; undefined: as the application
 * says.
 */
export const idleTimeoutFor = (limitMs: number): { readonly idleTimeout: number } | undefined =>
  limitMs === 0 ? undefined : { idleTimeout: (limitMs * later) / 1000 }
