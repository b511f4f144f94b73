/**
 * What a case of the application suite is: a route, requests to it, and what its client must see.
 * All but the route is data.
 */
import type { Context, Hono } from 'hono'
import * as v from 'valibot'

/** Over what a case is asked: HTTP/1.1 without and with TLS, and HTTP/2. */
export const transports = ['tcp', 'tls', 'h2'] as const
export type Transport = (typeof transports)[number]

export const hosts = ['node', 'bun', 'deno'] as const
/** The runtimes that an application knows. */
export type HostRuntime = (typeof hosts)[number]

const matcher = v.union([v.string(), v.instance(RegExp)])

/** `{path}` is the case's own path, `{host}` the server's authority. */
const askSchema = v.strictObject({
  method: v.optional(v.string()),
  /** What follows the case's path. */
  at: v.optional(v.string()),
  fields: v.optional(v.record(v.string(), v.union([v.string(), v.array(v.string())]))),
  /** With its length. */
  body: v.optional(v.string()),
  /** Chunked, or a DATA frame each, some milliseconds apart. */
  chunks: v.optional(v.array(v.string())),
  /** So many bytes, chunked, as fast as they are taken while the answer is read. */
  upload: v.optional(v.number()),
  version: v.optional(v.literal('1.0')),
})
export type Ask = v.InferOutput<typeof askSchema>

const answerSchema = v.strictObject({
  status: v.union([v.number(), v.array(v.number())]),
  reason: v.optional(matcher),
  /**
   * Exactly these values, in this order; null: the field must not be there. A list: the field's
   * lines.
   */
  fields: v.optional(v.record(v.string(), v.nullable(v.union([matcher, v.array(v.string())])))),
  /** As UTF-8. */
  body: v.optional(matcher),
  /** In base 16, for what is no text. */
  hex: v.optional(v.string()),
  bytes: v.optional(v.number()),
  /** What comes before the end of an answer that is not whole. */
  begins: v.optional(v.string()),
  /** The answer must never look whole, and its end must come. */
  cut: v.optional(v.literal(true)),
  /**
   * Of the connection, after a whole answer: `closed` in order, `ended` by FIN or RST. Default:
   * `kept`, or `either` where the request has a body.
   */
  connection: v.optional(v.picklist(['kept', 'closed', 'ended', 'either'])),
})
export type Answer = v.InferOutput<typeof answerSchema>

/** Any of several is right. */
const answersSchema = v.union([answerSchema, v.array(answerSchema)])

export const stepSchema = v.union([
  v.strictObject({ ask: askSchema, sees: answersSchema, times: v.optional(v.number()) }),
  /** Requests in one write, answered in order. HTTP/1.1 only. */
  v.strictObject({ pipelines: v.array(askSchema), sees: v.array(answersSchema) }),
  /** These bytes. HTTP/1.1 only. */
  v.strictObject({ sends: v.string(), sees: v.array(answersSchema) }),
  /**
   * A request whose client goes: once so many bytes of the answer's body are there, or so many ms
   * after the application was asked.
   */
  v.strictObject({
    abandons: askSchema,
    by: v.picklist(['reset', 'fin']),
    after: v.union([v.strictObject({ ms: v.number() }), v.strictObject({ bytes: v.number() })]),
  }),
  /** Several requests, each on a connection of its own, `ms` apart. */
  v.strictObject({ together: v.array(v.strictObject({ ask: askSchema, sees: answersSchema })), ms: v.number() }),
  v.strictObject({ wait: v.number() }),
  /** What the handler has noted so far, in its order; null: nothing. Other notes may follow. */
  v.strictObject({ notes: v.nullable(v.array(matcher)) }),
  /** After an upgrade: bytes there and back. */
  v.strictObject({ sendsHex: v.string(), receivesHex: v.string() }),
])
export type Step = v.InferOutput<typeof stepSchema>

/** Routes below the case's own path; `path` is where that begins. */
export type Routes = (app: Hono<any>, path: string) => unknown

/**
 * Exactly one: a handler of Hono's, several routes and middlewares, or a `fetch` handler outside
 * Hono.
 */
export type Route =
  | { readonly returns: (c: Context<any>) => unknown }
  | { readonly routes: Routes }
  | { readonly fetches: (request: Request, env: any) => unknown }

/**
 * What the operator must find in the log, by method and path: one line, none; `if 500`: one for
 * each answer 500 and each cut one.
 */
export const logs = ['none', 'once', 'if 500', 'any'] as const

interface Told {
  /** Stable for ever. */
  readonly id: string
  readonly title: string
  readonly why?: string
  /** Where it is written that this is right, or who was bitten. */
  readonly see?: readonly string[]
  readonly on?: readonly HostRuntime[]
  readonly over?: readonly Transport[]
  /** Under this limit on handlers alone. */
  readonly under?: 'handler-timeout'
  readonly steps: readonly Step[]
  /** Default: none. */
  readonly log?: (typeof logs)[number]
}
export type Case = Told & Route

/** The limit on handlers of those servers that have one. */
export const handlerTimeoutMs = 1_500

/** A marker in every error that a case throws. No byte of it may reach a client. */
export const secret = 'secret-of-the-application'

export const failure = (): Error => new Error(secret)

/** Whether it can be asked over HTTP/2. */
export function speaksHttp2({ over = transports, steps }: Case): boolean {
  const http1 = steps.some((step) => 'pipelines' in step || 'sends' in step || ('ask' in step && step.ask.version))
  return over.includes('h2') && !http1
}
