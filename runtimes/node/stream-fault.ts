/**
 * HTTP/2: what one stream does wrong ends that stream, and not the others of its connection (RFC
 * 9113 5.4.2).
 */
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2'

/** Of nghttp2: what a client began with is not the preface (RFC 9113 3.4). */
const badPreface = -903
/** Of nghttp2: what a peer sent breaks the protocol, of a stream or of the connection. */
const brokenProtocol = -505
const protocolError = 1

/**
 * nghttp2 resets a stream whose body is not as long as its Content-Length, and Node ends the
 * session for that as it does where nghttp2 has said GOAWAY. Here a session lives on when the turn
 * after such an error shows that a stream was reset for it.
 */
export function spareSiblings(session: ServerHttp2Session): void {
  let resets = 0
  session.prependListener('stream', (stream: ServerHttp2Stream) => {
    stream.once('close', () => {
      if (stream.rstCode === protocolError) resets += 1
    })
  })
  const destroy = session.destroy.bind(session)
  session.destroy = (error?: Error & { errno?: number }, code?: number) => {
    if (error?.errno !== brokenProtocol) {
      // To Node it is an internal error, which it is not.
      destroy(error, error?.errno === badPreface ? protocolError : code)
      return
    }
    const before = resets
    // The reset is sent in the next turn at the latest, and the stream says so in the one after it.
    setImmediate(() =>
      setImmediate(() => {
        if (resets === before) destroy(error, code)
      }),
    )
  }
}
