/**
 * The Request of @hono/node-server for what `node:http` has read. The package's listener makes it
 * and would answer as well: here it is given no answer to write, so that one place writes them all.
 */
import type { IncomingMessage } from 'node:http'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Incoming } from './body.ts'
import { learnHonoResponse } from './hono-response.ts'

/**
 * What the package's listener takes for the answer: it wants a Request, and to know if there can be
 * none.
 */
export abstract class Asker {
  #asked = false

  /** Called once, with the Request. */
  abstract asked(request: Request): void
  /** What came makes no Request. */
  abstract refused(status: number): void

  ask(request: Request): void {
    this.#asked = true
    this.asked(request)
  }

  // Of an answer, what the listener uses.

  on(): this {
    return this
  }

  writeHead(status: number): this {
    if (!this.#asked) this.refused(status)
    return this
  }

  end(): void {}
}

/** `host`: for HTTP/1.0 without `Host`. */
export function requestMaker(host: string): (incoming: Incoming, asker: Asker) => void {
  const listener = getRequestListener(
    (request, { outgoing }) => {
      ;(outgoing as object as Asker).ask(request)
      return nothing
    },
    { hostname: host, autoCleanupIncoming: false },
  )
  // Of the package's own class, which is what the global one is from here on.
  const nothing = new Response(null)
  learnHonoResponse()
  return (incoming, asker) => void listener(incoming as IncomingMessage, asker as object as HttpBindings['outgoing'])
}

/** The reason of a request's signal whose client has gone. */
export function gone(): DOMException {
  return new DOMException('the client ended the connection', 'AbortError')
}

let abortKey: symbol | null = null

/**
 * Fires the request's `signal`, or sees to it that it has fired when somebody looks.
 * @hono/node-server keeps the way to do so to itself.
 */
export function abort(request: Request, reason: unknown): void {
  abortKey ??= symbolOf(request, 'abortRequest')
  const own = abortKey === null ? undefined : (request as unknown as Record<symbol, unknown>)[abortKey]
  if (typeof own === 'function') own.call(request, reason)
}

function symbolOf(request: object, description: string): symbol | null {
  for (let holder = request; holder !== null; holder = Object.getPrototypeOf(holder)) {
    const found = Object.getOwnPropertySymbols(holder).find((symbol) => symbol.description === description)
    if (found !== undefined) return found
  }
  return null
}
