/**
 * `serve()` over a runtime's own server that shows no connections, under the kernel ledger: all but what the runtimes
 * differ in. On the request's path of a handler that answers at once is nothing but the answer's `Keep-Alive`.
 */
import type { Enforcement } from '../enforcement.ts'
import { Drain } from '../lifecycle/drain.ts'
import { guardHandler } from '../lifecycle/guard.ts'
import { reasons } from '../lifecycle/reasons.ts'
import { runningOf } from '../running.ts'
import type { App, Running, ServeOptions } from '../server.ts'
import { fetchOf, listenError, prepare } from '../serving.ts'
import { announcedBytes, type BodyReason, RequestBody } from './body.ts'
import { openKernel } from './kernel.ts'
import { type Address, peerName } from './layout.ts'
import { Ledger, noteAfterMs, type Peer } from './ledger.ts'
import type { Libc } from './libc.ts'
import { Scan } from './scan.ts'

/** `Call`: what the runtime hands over with a request, and the application gets as `c.env`. */
export interface NativeServer<Call> {
  readonly runtime: string
  /** `Deno.serve`, `Bun.serve`. */
  readonly engine: string
  /** Why this engine serves. */
  readonly why: string
  readonly enforcement: Enforcement
  readonly libc: Libc
  /** Options that only this runtime's `serve` has. */
  readonly also: readonly string[]
  /** The client's end of the connection that the request came on; null: it is gone. */
  peerOf(request: Request, call: Call): Address | null
  /** The application has taken the connection over for another protocol. */
  isUpgrade(answer: unknown): boolean
  /**
   * Calls `done` when all of an answer that is made piece by piece is with the runtime, or the client is gone. Returns what
   * is to be answered instead, or null for an answer that the runtime has whole.
   */
  follow(answer: Response, request: Request, call: Call, done: () => void): Response | null
  /** `Keep-Alive`, unless the answer says something of its connection itself. */
  withHint(answer: Response, keepAlive: string): Response
  /** `Connection: close`. */
  withClose(answer: Response): Response
  listen(
    handler: (request: Request, call: Call) => Response | Promise<Response>,
    kit: ListenKit,
  ): Promise<NativeListener>
}

/** What a listener may ask of the ledger. */
export interface ListenKit {
  /** Ends the listening sockets and nothing else; they stay the runtime's. */
  shutListeners(): void
  /** No descriptor is free: hangs up on those that have waited longest. */
  makeRoom(): void
}

export interface NativeListener {
  readonly port: number
  /** Nobody is accepted any more; whoever is there stays, and is still answered. */
  stopAccepting(): void
  /** The end of all; called when nobody is left, or to cut whoever is. */
  stop(): void
}

/** A body that nobody has read and that is not longer than this has come with its head, more or less. */
const withHeadBytes = 64 * 1024
/** Below that the next tick of the scan is too late for a note. */
const leastNoteAfterMs = 150

/** A request that is with the application, or whose answer is not out. */
class Flight<Call> {
  readonly request: Request
  readonly call: Call
  peer: Peer | null = null
  body: RequestBody | null = null
  /** Of the scan's tick that saw it first; 0: none has. */
  seenAt = 0
  /** Answers in the application's place. */
  refuse: ((reason: BodyReason) => void) | null = null

  constructor(request: Request, call: Call) {
    this.request = request
    this.call = call
  }
}

export async function serveUnderLedger<Call>(
  app: App,
  options: ServeOptions,
  native: NativeServer<Call>,
): Promise<Running> {
  const { policy, log } = prepare(options, native.also, native)
  const kernel = openKernel(native.libc)
  const now = () => performance.now()
  const secure = options.tls !== undefined
  const { maxRequestsPerConnection, maxConnectionAgeMs, maxConnections, maxBodyBytes } = policy
  const noteAfter = noteAfterMs(policy)
  const counted = maxRequestsPerConnection !== 0 || maxConnectionAgeMs !== 0 || maxConnections !== 0
  const notesAll = secure || counted || noteAfter < leastNoteAfterMs
  const hintSeconds = Math.floor(policy.keepAliveHintMs / 1000)
  const keepAlive = hintSeconds > 0 ? `timeout=${hintSeconds}` : null
  const listeners = new Set<number>()
  /** Requests that are not noted yet. */
  const young = new Set<Flight<Call>>()
  /** Those whose body is watched. */
  const withBody = new Map<Peer, Flight<Call>>()
  let requests = 0
  let announced = false

  const ledger = new Ledger({
    policy,
    kernel,
    now,
    secure,
    notes: notesAll ? 'every' : 'late',
    noteNow: () => noteYoung(now(), 0),
    onHangUp: log.note,
    refuse: (peer, reason) => withBody.get(peer)?.refuse?.(reason as BodyReason),
  })
  const { book } = ledger

  const handler = guardHandler(fetchOf(app), {
    handlerTimeoutMs: policy.handlerTimeoutMs,
    onTimeout: () => book.count('handler'),
  })

  function onRequest(request: Request, call: Call): Response | Promise<Response> {
    requests += 1
    const { method } = request
    const bodied = method !== 'GET' && method !== 'HEAD'
    if (notesAll || bodied) return onNoted(request, call, bodied)
    let answer: Response | Promise<Response>
    try {
      answer = handler(request, call)
    } catch (error) {
      answer = failed(error)
    }
    if (!(answer instanceof Promise)) return answered(answer, request, call, null)
    const flight = new Flight(request, call)
    young.add(flight)
    return answer.then(
      (response) => answered(response, request, call, flight),
      (error) => answered(failed(error), request, call, flight),
    )
  }

  /** A request that is noted at once, because its body is watched or its connection counted. */
  function onNoted(request: Request, call: Call, bodied: boolean): Response | Promise<Response> {
    const flight = new Flight(request, call)
    if (bodied) {
      const announcedLength = announcedBytes(request)
      if (maxBodyBytes !== 0 && announcedLength !== null && announcedLength > maxBodyBytes) {
        book.count('bodyTooLarge')
        flight.body = watched(flight, announcedLength)
        note(flight, now())
        return answered(refusal('bodyTooLarge'), request, call, flight)
      }
      if (announcedLength !== 0) flight.body = watched(flight, announcedLength)
    }
    note(flight, now())
    if (flight.peer?.surplus) {
      book.count('full')
      return answered(surplus(), request, call, flight)
    }
    let answer: Response | Promise<Response>
    try {
      answer = handler(request, call)
    } catch (error) {
      answer = failed(error)
    }
    if (!(answer instanceof Promise)) return answered(answer, request, call, flight)
    if (flight.body === null) {
      return answer.then(
        (response) => answered(response, request, call, flight),
        (error) => answered(failed(error), request, call, flight),
      )
    }
    return new Promise((resolve) => {
      let replaced = false
      flight.refuse = (reason) => {
        if (replaced) return
        replaced = true
        flight.body?.refuse(reason)
        resolve(answered(refusal(reason), request, call, flight))
      }
      const settle = (response: Response): void => {
        // Whatever the application says of a body that was refused, the client has been answered.
        if (replaced) response?.body?.cancel().catch(() => {})
        else resolve(answered(response, request, call, flight))
      }
      ;(answer as Promise<Response>).then(settle, (error) => {
        if (!replaced) settle(failed(error))
      })
    })
  }

  function watched(flight: Flight<Call>, announcedLength: number | null): RequestBody {
    return new RequestBody(flight.request, {
      announced: announcedLength,
      maxBytes: maxBodyBytes,
      onTooLarge: () => {
        book.count('bodyTooLarge')
        flight.refuse?.('bodyTooLarge')
      },
    })
  }

  function note(flight: Flight<Call>, startedAt: number): void {
    const { request, call, body } = flight
    const address = native.peerOf(request, call)
    if (address === null) return
    const peer = ledger.started(peerName(address.host, address.port), body, startedAt)
    flight.peer = peer
    if (body !== null) withBody.set(peer, flight)
  }

  function noteYoung(at: number, afterMs: number): void {
    for (const flight of young) {
      if (flight.seenAt === 0) flight.seenAt = at
      if (at - flight.seenAt < afterMs) continue
      young.delete(flight)
      note(flight, flight.seenAt)
    }
  }

  /** The application has made its answer. `flight` null: nobody else knows of the request. */
  function answered(answer: Response, request: Request, call: Call, flight: Flight<Call> | null): Response {
    if (native.isUpgrade(answer)) {
      upgraded(request, call, flight)
      return answer
    }
    const last = announced || (counted && isLast(flight?.peer))
    const body = flight?.body ?? null
    if (body !== null && !body.complete && body.announced !== null && body.announced <= withHeadBytes) {
      body.complete = true
    }
    let given = answer
    if (last) given = native.withClose(given)
    else if (keepAlive !== null) given = native.withHint(given, keepAlive)
    let streams = flight
    const followed = native.follow(given, request, call, () => {
      if (streams !== null) ended(streams)
    })
    if (followed === null) {
      if (flight !== null) ended(flight)
      return given
    }
    if (streams === null) {
      streams = new Flight(request, call)
      young.add(streams)
    }
    return followed
  }

  function ended(flight: Flight<Call>): void {
    const { peer } = flight
    if (peer === null) {
      young.delete(flight)
      return
    }
    if (withBody.get(peer) === flight) withBody.delete(peer)
    ledger.finished(peer)
  }

  function upgraded(request: Request, call: Call, flight: Flight<Call> | null): void {
    const taken = flight ?? new Flight(request, call)
    young.delete(taken)
    if (taken.peer === null) note(taken, now())
    if (taken.peer === null) return
    ledger.upgraded(taken.peer)
    ended(taken)
  }

  function isLast(peer: Peer | null | undefined): boolean {
    if (!peer) return false
    if (peer.surplus || (maxRequestsPerConnection !== 0 && peer.requests >= maxRequestsPerConnection)) return true
    const { record } = peer
    return record !== null && now() >= record.connection.agesAt
  }

  let scan: Scan | null = null
  let listener: NativeListener
  try {
    listener = await native.listen(onRequest, {
      shutListeners: () => {
        for (const fd of listeners) kernel.shut(fd)
        listeners.clear()
      },
      makeRoom: () => {
        scan?.walkNow()
        book.makeRoom(now())
      },
    })
  } catch (error) {
    kernel.close()
    throw listenError(error, options)
  }
  scan = new Scan({
    kernel,
    ledger,
    ports: [listener.port],
    now,
    onListener: (fd) => listeners.add(fd),
    beforeEach: (at) => noteYoung(at, noteAfter),
  })
  scan.start()

  let over = false
  function end(): void {
    if (over) return
    over = true
    scan?.stop()
    listener.stop()
    kernel.close()
  }

  const drain = new Drain(policy, {
    announce: () => {
      announced = true
    },
    stopAccepting: () => {
      // All that have been accepted are to be known from here on.
      scan?.walkNow()
      listener.stopAccepting()
    },
    hangUpIdle: (closingForMs) => {
      scan?.walkNow()
      book.hangUpIdle(closingForMs)
    },
    left: () => {
      if (book.size === 0) end()
      return book.size
    },
    cut: () => {
      scan?.walkNow()
      const cut = book.cut()
      end()
      return cut
    },
  })

  return runningOf({
    engine: native.engine,
    why: native.why,
    options,
    port: listener.port,
    policy,
    log,
    book,
    drain,
    enforcement: native.enforcement,
    requests: () => requests,
  })
}

const texts = { 408: 'Request Timeout', 413: 'Content Too Large' } as const

function refusal(reason: BodyReason): Response {
  const status = reasons[reason].status as 408 | 413
  return new Response(`${texts[status]}\n`, {
    status,
    headers: { 'content-type': 'text/plain', connection: 'close' },
  })
}

function surplus(): Response {
  return new Response('Service Unavailable\n', {
    status: 503,
    headers: { 'content-type': 'text/plain', 'retry-after': '1', connection: 'close' },
  })
}

/** What the application threw is for its operator, never for the client. */
function failed(error: unknown): Response {
  console.error(error)
  return new Response('Internal Server Error\n', { status: 500, headers: { 'content-type': 'text/plain' } })
}

/** For `withHint` and `withClose` where a runtime has nothing faster. */
export function withHeader(response: Response, name: string, value: string): Response {
  try {
    response.headers.set(name, value)
    return response
  } catch {
    // Headers of a Response that must not be changed.
    const copy = new Response(response.body, response)
    copy.headers.set(name, value)
    return copy
  }
}
