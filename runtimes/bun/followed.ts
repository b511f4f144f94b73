/** A stream that is passed on as it comes, and its end told of: `done` is called once, when all of it is taken or nobody takes it any more. */
export function followed(source: ReadableStream<Uint8Array>, done: () => void): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done: over, value } = await reader.read()
          if (!over) {
            controller.enqueue(value)
            return
          }
          controller.close()
        } catch (error) {
          controller.error(error)
        }
        done()
      },
      cancel(reason) {
        done()
        return reader.cancel(reason)
      },
    },
    // Nothing is asked of the application that the client has not room for.
    { highWaterMark: 0 },
  )
}
