/**
 * The first byte of a request's head, for which `node:http` has no event: its parser calls a
 * function that Node itself leaves empty. Nobody may rely on that before it has been seen once.
 */
import type { Socket } from 'node:net'

/** `kOnMessageBegin` of Node's `HTTPParser`. */
const onMessageBegin = 0

interface Parser {
  socket: Socket | null
  [onMessageBegin]: unknown
}

let seen = false

/** Whether the parsers of this Node call. */
export const tellsOfBegin = (): boolean => seen

/**
 * Once: the function is taken away when it is called, so that a busy connection pays nothing for
 * it. Several connections share it. Returns false where there is no such parser.
 */
export function onceBegun(socket: Socket, begun: (this: Parser) => void): boolean {
  const { parser } = socket as { parser?: Parser | null }
  if (typeof parser !== 'object' || parser === null || !(onMessageBegin in parser)) return false
  parser[onMessageBegin] = begun
  return true
}

/** What `onceBegun` gets, made once for a server. */
export function beginHearer(tell: (socket: Socket) => void): (this: Parser) => void {
  return function begun() {
    seen = true
    this[onMessageBegin] = null
    if (this.socket !== null) tell(this.socket)
  }
}
