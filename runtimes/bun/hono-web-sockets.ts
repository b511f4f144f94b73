/**
 * The handlers of `hono/bun`, loaded with the first WebSocket: a server that has none starts
 * without Hono's file server and site generator, and the application that upgrades has them
 * already.
 */

type Event = 'open' | 'message' | 'close'
type Handler = (...args: readonly unknown[]) => unknown

let handlers: Readonly<Record<Event, Handler>> | undefined
let loading: Promise<void> | undefined

async function load(): Promise<void> {
  handlers = (await import('hono/bun')).websocket as unknown as Readonly<Record<Event, Handler>>
}

/**
 * To be called before a connection is upgraded: what its client sends meanwhile waits, and if that
 * ends with a close, Bun has answered it before anybody could answer the messages.
 */
export const honoWebSocketsLoaded = (): Promise<void> => (loading ??= load())

const on =
  (event: Event): Handler =>
  (...args) => {
    if (handlers !== undefined) return handlers[event](...args)
    // What waits runs in the order of its coming, and before anything that comes later.
    return honoWebSocketsLoaded().then(() => handlers![event](...args))
  }

export const honoWebSocket = { open: on('open'), message: on('message'), close: on('close') }
