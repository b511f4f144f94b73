/**
 * What the engine needs of a socket, and a socket of the engine. Each runtime's transport is a thin
 * file of this shape in `runtimes/`.
 */
export interface Peer {
  readonly address: string
  readonly port: number
  readonly family: 'IPv4' | 'IPv6'
}

export interface Transport {
  /**
   * Where PROXY protocol announces clients, the one announced, from before the first `secured` or
   * `feed`.
   */
  readonly peer: Peer
  /**
   * What the peer is connected to, or says through PROXY protocol that it is; null on a Unix
   * socket. May cost a system call.
   */
  readonly local?: Peer | null
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly unsent: number
  /**
   * `head` is latin1 text, a `body` in text UTF-8. Takes everything, in one system call where it
   * can; returns whether the kernel has it all: if not, `drained` is called once it has. Until then
   * the bytes are the transport's, and so are `room` bytes in front of them in their buffer.
   */
  write(head: string, body: string | Uint8Array | null, room?: number): boolean
  /**
   * As much of the same as the kernel takes at once, in one system call: nothing is kept. Returns
   * how many bytes that was; 0 where something waits to be written. Undefined: it can't be tried.
   */
  readonly writeNow?: ((head: string, body: Uint8Array) => number) | undefined
  /**
   * A body of no more bytes than these may be a view that is valid only during `write`, which
   * copies what the kernel does not take. Default: none may.
   */
  readonly copiesBytes?: number
  /**
   * Takes back a message that waits for the end of the turn, of which nothing has gone out; false:
   * there is none.
   */
  withdraw?(): boolean
  /**
   * Tries once more to hand over what waits, where the runtime may have missed that there is room.
   * Called at each sweep.
   */
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
  /**
   * Whether, as far as the runtime knows by now, both directions are open and nothing waits to be
   * read: asked of a pooled connection.
   */
  readonly quiet?: boolean
  /** See `Member`: of the TCP socket. */
  duplicate?(dup: (fd: number) => number): number
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
  /** Quiet time until TCP keepalive asks a peer whether it is there; 0 or undefined: never. */
  readonly peerProbeMs?: number
  /** A path: a Unix socket instead. */
  readonly unix?: string
  /**
   * A descriptor that listens already, on the address above; its file, if it has one, is somebody
   * else's.
   */
  readonly fd?: number
  readonly tls?: ListenTls
  /**
   * Messages of one turn of the event loop may be written together at its end: for a server that
   * runs nobody else's code in its turns. Default: each is written at once.
   */
  readonly gathers?: boolean
  readonly proxyProtocol?: ProxyProtocolFrom
}

/** A certificate, its intermediates behind it, and its key; PEM text. */
export interface CertificatePem {
  readonly cert: string
  readonly key: string
}

/** TLS 1.2 and 1.3; ALPN is `http/1.1`. */
export interface ListenTls {
  /**
   * Chosen by the names in them (SNI); the first is shown to who asks for none of those, or for
   * none at all.
   */
  readonly certificates: readonly CertificatePem[]
}

/** Who announces its clients with a PROXY protocol header (v1 or v2) before anything else. */
export interface ProxyProtocolFrom {
  /** These peers must. Asked with '' for one on a Unix socket. */
  readonly trust: (address: string) => boolean
  /**
   * Any other peer is closed at once, or served as the client that it is: its header, if it sends
   * one, is no request.
   */
  readonly others: 'refuse' | 'direct'
  /** A connection is closed because of its header. */
  readonly onRefused: (why: string, peer: Peer) => void
}

export interface Listener {
  /** The address that it is bound to, as the system says it. Empty on a Unix socket. */
  readonly host: string
  /** 0 on a Unix socket. */
  readonly port: number
  /** Accepts no more; what is open stays open. */
  stop(): void
  /**
   * For handshakes from now on; what is open goes on. Throws a `CertificateError`, and changes
   * nothing, if one can't be served with. Undefined without TLS.
   */
  readonly setCertificates?: (certificates: readonly CertificatePem[]) => void
}

/** Where to connect. */
export interface ConnectTo {
  readonly host: string
  readonly port: number
  /** A path: a Unix socket instead. */
  readonly unix?: string
  readonly tls?: ConnectTls
  /** Sent before anything else, before TLS too: a PROXY protocol header. */
  readonly preamble?: Uint8Array
}

export interface ConnectTls {
  /** For SNI (RFC 6066 3) and for the certificate's name. */
  readonly servername: string
  /** PEM text: certificates to trust instead of the well-known ones. */
  readonly ca?: string
  /** PEM text: the client's own certificate. */
  readonly cert?: string
  readonly key?: string
  /** `false`: whatever certificate it shows is taken. */
  readonly verify: boolean
}

/**
 * Resolves once the socket is connected, and secured with TLS; `accept` has been called by then, in
 * the same turn, before any byte came. Rejects with the system's or TLS's own error, or with the
 * signal's reason when it gives up.
 */
export type Connect = (to: ConnectTo, accept: Accept, signal: AbortSignal) => Promise<void>

export type Accept = (transport: Transport) => TransportEvents
export type Listen = (at: ListenAt, accept: Accept) => Promise<Listener>
