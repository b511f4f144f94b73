/**
 * The life of a connection, all of it, as three small tables (as in h11): what we have of the
 * request, what the peer has of the response, and what is left of the connection. The first two
 * move on the same events, because HTTP/1.1 lets a body and its response overlap. The state that
 * the policy, the docs and `connections()` speak of is where the tables meet (`stateOf`).
 *
 * An observer (the socket engine, the bookkeeping on Node's sockets, the kernel's snapshots)
 * reports events; what follows from a state is a rule in `limits.ts`.
 */

/** What we have of the request. `between`: nothing, but an earlier one was answered. */
export type Receiving = 'handshake' | 'accepted' | 'head' | 'body' | 'whole' | 'between' | 'upgraded'
/**
 * What the peer has of the response. `writing`: bytes wait for the peer; `streaming`: it has all
 * that the application gave so far.
 */
export type Answering = 'none' | 'handling' | 'writing' | 'streaming'

export type Event =
  /** The TLS handshake is done. */
  | 'secured'
  /** A byte of a head came. */
  | 'bytes'
  /** A head is complete, and with it the request. */
  | 'request'
  /** A head is complete, its body is not. */
  | 'requestWithBody'
  | 'bodyEnd'
  /** The head of the response is out. */
  | 'begun'
  /** Bytes of the response wait for the peer. */
  | 'blocked'
  /** They have been taken. */
  | 'flowing'
  /** The last response that was owed is out. */
  | 'answered'
  | 'upgrade'

type Moves<Side extends string> = Readonly<Record<Side, Readonly<Partial<Record<Event, Side>>>>>

/**
 * Every legal move of the request's side. An event missing from a row is a bug in the observer, not
 * a no-op.
 */
export const receivingMoves: Moves<Receiving> = {
  handshake: { secured: 'accepted' },
  accepted: { bytes: 'head', request: 'whole', requestWithBody: 'body', upgrade: 'upgraded' },
  head: { request: 'whole', requestWithBody: 'body', upgrade: 'upgraded' },
  // A pipelined request comes while the one before it is answered. `answered` in `body` is an early
  // response: the rest is discarded, and the side stays where it is until `bodyEnd`.
  body: {
    bodyEnd: 'whole',
    request: 'whole',
    requestWithBody: 'body',
    begun: 'body',
    blocked: 'body',
    flowing: 'body',
    answered: 'body',
  },
  whole: {
    request: 'whole',
    requestWithBody: 'body',
    begun: 'whole',
    blocked: 'whole',
    flowing: 'whole',
    answered: 'between',
    upgrade: 'upgraded',
  },
  between: { bytes: 'head', request: 'whole', requestWithBody: 'body', upgrade: 'upgraded' },
  upgraded: {},
}

/** Every legal move of the response's side. */
export const answeringMoves: Moves<Answering> = {
  none: {
    secured: 'none',
    bytes: 'none',
    request: 'handling',
    requestWithBody: 'handling',
    bodyEnd: 'none',
    upgrade: 'none',
  },
  handling: {
    request: 'handling',
    requestWithBody: 'handling',
    bodyEnd: 'handling',
    begun: 'streaming',
    blocked: 'writing',
    answered: 'none',
    upgrade: 'none',
  },
  writing: {
    request: 'writing',
    requestWithBody: 'writing',
    bodyEnd: 'writing',
    flowing: 'streaming',
    answered: 'none',
    upgrade: 'none',
  },
  // Interim responses (103) may have gone before an upgrade.
  streaming: {
    request: 'streaming',
    requestWithBody: 'streaming',
    bodyEnd: 'streaming',
    blocked: 'writing',
    answered: 'none',
    upgrade: 'none',
  },
}

/** The events that leave a side's clock as it is; every other move starts it anew. */
export const keepsClock: Readonly<Partial<Record<Receiving, readonly Event[]>>> = {
  // The clock of the first head began at accept: a first byte buys no time.
  accepted: ['bytes'],
  // A response that begins early says nothing of how fast the body comes.
  body: ['begun', 'blocked', 'flowing'],
}

/** What is left of the connection. */
export type Ending = 'open' | 'lastResponse' | 'lingering' | 'closed'

export type EndingEvent =
  /** The response that is owed, or the next one, is the last. */
  | 'last'
  /** Our side is ended: nothing more is written, and what comes is read away. */
  | 'ended'
  | 'gone'

export const endingMoves: Readonly<Record<Ending, Readonly<Record<EndingEvent, Ending>>>> = {
  open: { last: 'lastResponse', ended: 'lingering', gone: 'closed' },
  lastResponse: { last: 'lastResponse', ended: 'lingering', gone: 'closed' },
  lingering: { last: 'lingering', ended: 'lingering', gone: 'closed' },
  closed: { last: 'closed', ended: 'closed', gone: 'closed' },
}

/** Every state, as tables and lists show them. */
export const states = [
  'handshake',
  'accepted',
  'head',
  'body',
  'handling',
  'writing',
  'streaming',
  'discarding',
  'idle',
  'upgraded',
  'closing',
] as const

export type State = (typeof states)[number]

/** Both sides at one moment. There is one object for each pair, so a move allocates nothing. */
export interface Pair {
  readonly receiving: Receiving
  readonly answering: Answering
  /** Where the two meet, while the connection is open. */
  readonly state: State
  /** Where each event that can happen here leads: one look-up, where the tables would cost five. */
  readonly after: ReadonlyMap<Event, Pair>
}

function meet(receiving: Receiving, answering: Answering): State {
  switch (answering) {
    case 'none':
      if (receiving === 'between' || receiving === 'whole') return 'idle'
      return receiving === 'body' ? 'discarding' : receiving
    case 'writing':
      return 'writing'
    case 'handling':
      return receiving === 'body' ? 'body' : 'handling'
    case 'streaming':
      return receiving === 'body' ? 'body' : 'streaming'
  }
}

const receivings = Object.keys(receivingMoves) as Receiving[]
const answerings = Object.keys(answeringMoves) as Answering[]
const tableOf = <Key extends string, Value>(keys: readonly Key[], value: (key: Key) => Value) =>
  Object.fromEntries(keys.map((key) => [key, value(key)])) as Record<Key, Value>

const pairs = tableOf(receivings, (receiving) =>
  tableOf(answerings, (answering) => ({
    receiving,
    answering,
    state: meet(receiving, answering),
    after: new Map<Event, Pair>(),
  })),
)

// The joint rule: when nothing is owed and all of the request is there, the connection is between
// two requests, whichever of the two came last.
for (const { receiving, answering, after } of Object.values(pairs).flatMap((row) => Object.values(row))) {
  for (const [event, received] of Object.entries(receivingMoves[receiving]) as [Event, Receiving][]) {
    const answered = answeringMoves[answering][event]
    if (answered === undefined) continue
    after.set(event, pairs[received === 'whole' && answered === 'none' ? 'between' : received][answered])
  }
}

/** Where a connection begins. */
export const beginnings = {
  handshake: pairs.handshake.none,
  accepted: pairs.accepted.none,
} as const

export type Beginning = keyof typeof beginnings

/** Where an event takes both sides, or null: it can't happen here, which is a bug in the observer. */
export const step = ({ after }: Pair, event: Event): Pair | null => after.get(event) ?? null

/** Where all three tables meet. */
export const stateOf = ({ state }: Pair, ending: Ending): State =>
  ending === 'lingering' || ending === 'closed' ? 'closing' : state

/**
 * The states in which a connection only waits for its client: what pressure may close, in this
 * order.
 */
export const waiting: readonly State[] = ['handshake', 'accepted', 'idle', 'head']

/** Whether closing now would take a response from a client that is owed one. */
export const busy: Readonly<Record<State, boolean>> = {
  handshake: false,
  accepted: false,
  head: false,
  body: true,
  handling: true,
  writing: true,
  streaming: true,
  discarding: false,
  idle: false,
  upgraded: true,
  closing: false,
}
