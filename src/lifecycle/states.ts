/**
 * The life of a connection as two small tables, as in h11: what we have of the request, and what the peer has of the
 * answer. Both sides move on the same events, because HTTP/1.1 lets a body and its answer overlap; the state that the
 * policy, the docs and `connections()` speak of is where the two sides meet (`stateOf`).
 *
 * An observer (the bookkeeping on Node's sockets, later an engine of our own and the kernel's snapshots) reports events;
 * what follows from a state is decided in `connection.ts`.
 */
import type { OptionName } from '../policy/policy.ts'

/** What we have of the request. `between`: nothing, but an earlier one was answered. */
export type Receiving = 'handshake' | 'accepted' | 'head' | 'body' | 'whole' | 'between' | 'upgraded'
/** What the peer has of the answer. `writing`: bytes wait for the peer; `streaming`: it has all that the application gave so far. */
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
  /** The head of the answer is out. */
  | 'begun'
  /** Bytes of the answer wait for the peer. */
  | 'blocked'
  /** They have been taken. */
  | 'flowing'
  /** The last answer that was owed is out. */
  | 'answered'
  | 'upgrade'

type Moves<Side extends string> = Readonly<Record<Side, Readonly<Partial<Record<Event, Side>>>>>

/** Every legal move of the request's side. An event missing from a row is a bug in the observer, not a no-op. */
export const receivingMoves: Moves<Receiving> = {
  handshake: { secured: 'accepted' },
  accepted: { bytes: 'head', request: 'whole', requestWithBody: 'body', upgrade: 'upgraded' },
  head: { request: 'whole', requestWithBody: 'body', upgrade: 'upgraded' },
  // A pipelined request comes while the one before it is answered; `answered` in `body` is an early answer: the rest is
  // discarded and the side stays where it is until `bodyEnd`.
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

/** Every legal move of the answer's side. */
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
  // Interim answers (103) may have gone before an upgrade.
  streaming: {
    request: 'streaming',
    requestWithBody: 'streaming',
    bodyEnd: 'streaming',
    blocked: 'writing',
    answered: 'none',
    upgrade: 'none',
  },
}

export type State =
  | 'handshake'
  | 'accepted'
  | 'head'
  | 'body'
  | 'handling'
  | 'writing'
  | 'streaming'
  | 'discarding'
  | 'idle'
  | 'upgraded'
  | 'closing'

/** Where the two sides meet. */
export function stateOf(receiving: Receiving, answering: Answering): State {
  switch (answering) {
    case 'none':
      if (receiving === 'between') return 'idle'
      if (receiving === 'body') return 'discarding'
      return receiving === 'whole' ? 'idle' : receiving
    case 'writing':
      return 'writing'
    case 'handling':
      return receiving === 'body' ? 'body' : 'handling'
    case 'streaming':
      return receiving === 'body' ? 'body' : 'streaming'
  }
}

/** The options that limit each state, in the order in which they are asked. */
export const limits: Readonly<Record<State, readonly OptionName[]>> = {
  handshake: ['handshakeTimeoutMs'],
  accepted: ['headTimeoutMs'],
  head: ['headTimeoutMs', 'maxHeadBytes', 'maxHeadFields'],
  body: ['bodyTimeoutMs', 'minBodyBytesPerSec', 'maxBodyBytes'],
  handling: ['handlerTimeoutMs'],
  writing: ['writeTimeoutMs', 'minResponseBytesPerSec'],
  streaming: ['streamIdleTimeoutMs'],
  discarding: ['discardTimeoutMs', 'discardBytes'],
  idle: ['idleTimeoutMs', 'maxConnectionAgeMs'],
  upgraded: [],
  closing: ['discardTimeoutMs'],
}

/** Whether the connection only waits for its client: what pressure and a drain may hang up on, in this order. */
export const waiting: readonly State[] = ['handshake', 'accepted', 'idle', 'head']

/** Whether hanging up now would take an answer from a client that is owed one. */
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
