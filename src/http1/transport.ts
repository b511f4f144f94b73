/** What the engine needs of a socket, and a socket of the engine. Each runtime's transport is a thin file of this shape in `runtimes/`. */
export interface Peer {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

export interface Transport {
  readonly peer: Peer
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly unsent: number
  /**
   * `head` is latin1 text, a `body` in text UTF-8. Takes everything, in one system call where it can; returns whether the
   * kernel has it all: if not, `drained` is called once it has. Until then the bytes are the transport's.
   */
  write(head: string, body: string | Uint8Array | null): boolean
  /** Tries once more to hand over what waits, where the runtime may have missed that there is room. Called at each sweep. */
  poke?(): void
  /** Reads no more until `resume()`. */
  pause(): void
  resume(): void
  /** FIN after all that was written; reading goes on. */
  end(): void
  /** Closes both directions at once; what the kernel has taken is still delivered. */
  destroy(): void
  /** RST where the runtime can, else as `destroy`. */
  reset(): void
}

/** What a transport tells. */
export interface TransportEvents {
  /** The TLS handshake is done. */
  secured(): void
  /** Bytes of the client; a view that is valid only during the call. */
  feed(bytes: Uint8Array): void
  drained(): void
  /** The client's FIN. */
  peerEnded(): void
  /** Nothing more comes or goes: the last event. */
  gone(): void
}

export interface ListenAt {
  readonly port: number
  /** Undefined: all interfaces. */
  readonly host: string | undefined
  /** A path: a Unix socket instead. */
  readonly unix?: string
  /** PEM text; ALPN is `http/1.1`. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

export interface Listener {
  /** 0 on a Unix socket. */
  readonly port: number
  /** Accepts no more; what is open stays open. */
  stop(): void
}

export type Accept = (transport: Transport) => TransportEvents
export type Listen = (at: ListenAt, accept: Accept) => Promise<Listener>
