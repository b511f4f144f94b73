/**
 * Applications that are written against Node's own request and response instead of `fetch`: they
 * are told from others when the server starts, because each of their answers would be a 500.
 */

interface Kind {
  readonly what: string
  is(app: Shape): boolean
  readonly help: string
}

type Shape = Readonly<Record<string, unknown>>

const has = (app: Shape, ...methods: readonly string[]): boolean =>
  methods.every((method) => typeof app[method] === 'function')

const adapted = (handler: string): string => `give ${handler} to toFetchHandler of srvx/node`

/** The first that fits. */
const kinds: readonly Kind[] = [
  {
    what: 'a Nest application',
    is: (app) => has(app, 'getHttpAdapter'),
    help: adapted('app.getHttpAdapter().getInstance()'),
  },
  { what: 'a Fastify instance', is: (app) => has(app, 'inject', 'ready', 'routing'), help: adapted('app.routing') },
  { what: 'a Koa application', is: (app) => has(app, 'callback', 'use'), help: adapted('app.callback()') },
  { what: 'an HTTP server', is: (app) => has(app, 'listen', 'address', 'emit'), help: adapted('its request listener') },
  {
    what: 'an Express or Connect application',
    is: (app) => typeof app === 'function' && has(app, 'handle', 'use'),
    help: adapted('app'),
  },
  { what: 'a Polka application', is: (app) => has(app, 'handler', 'use', 'listen'), help: adapted('app.handler') },
  { what: 'an h3 1 application', is: (app) => has(app, 'handler', 'use'), help: 'give it to toWebHandler of h3' },
  {
    what: 'an application that listens by itself',
    is: (app) => typeof app === 'object' && has(app, 'listen'),
    help: adapted('its handler (req, res)'),
  },
  {
    what: 'a handler (req, res) of Node',
    is: (app) => typeof app === 'function' && takesNodeResponse(app as unknown as () => void),
    help: adapted('it'),
  },
]

/**
 * Why an application can't be asked for a Response, and what would help; null where nothing says
 * so.
 */
export function nodeStyleRefusal(app: unknown): string | null {
  if ((typeof app !== 'function' && typeof app !== 'object') || app === null) return null
  const shape = app as Shape
  if (has(shape, 'fetch')) return null
  const kind = kinds.find(({ is }) => is(shape))
  return kind === undefined
    ? null
    : `${kind.what} answers through Node’s request and response, not with a Response: ${kind.help}, ` +
        'or put hangup gateway in front of its own server'
}

/**
 * How its author called the second parameter says what it is for; one that makes a Response needs
 * no adapter.
 */
function takesNodeResponse(handler: (...given: never[]) => unknown): boolean {
  if (handler.length < 2) return false
  const text = Function.prototype.toString.call(handler)
  const [, second = ''] = /\(([^)]*)\)/.exec(text)?.[1]?.split(',') ?? []
  return /^_?(res|resp|response|reply)$/.test(second.trim()) && !/\bResponse\b/.test(text)
}
