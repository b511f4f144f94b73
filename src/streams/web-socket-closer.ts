/**
 * Who closes a WebSocket: its close frame has a code, and does not say which side began. Whether the
 * application did is known where it calls `close`, on the object that it has.
 */
export interface ClosableWebSocket {
  close(...how: never[]): unknown
  terminate?(): unknown
}

/**
 * To be called when it opens. `isAnswer`: the runtime calls `close` itself, to answer the client's.
 * Returns whether the application has closed it.
 */
export function closedByApplication(socket: ClosableWebSocket, isAnswer = () => false): () => boolean {
  let asked = false
  const { close, terminate } = socket
  socket.close = (...how) => {
    asked ||= !isAnswer()
    return close.apply(socket, how)
  }
  if (terminate !== undefined) {
    socket.terminate = () => {
      asked ||= !isAnswer()
      return terminate.call(socket)
    }
  }
  return () => asked
}
