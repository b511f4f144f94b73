/** A body that comes piece by piece, whatever it is made of. */
import type { BodySource, Content } from './payload.ts'

const encoder = new TextEncoder()

/** Any content, piece by piece. */
export function sourceOf(content: Content): BodySource {
  if (isSource(content)) return content
  if (typeof content === 'string' || content instanceof Uint8Array) return once(content)
  return fromStream(content instanceof Blob ? content.stream() : content)
}

function once(content: string | Uint8Array): BodySource {
  let left: string | Uint8Array | null = content
  return {
    read() {
      const piece = typeof left === 'string' ? encoder.encode(left) : left
      left = null
      return Promise.resolve(piece)
    },
    cancel() {
      left = null
    },
  }
}

function fromStream(stream: ReadableStream<unknown>): BodySource {
  const reader = stream.getReader()
  // One that has failed already rejects with what its reader has seen.
  return fromPieces(
    () => reader.read(),
    (reason) => reader.cancel(reason),
  )
}

/** Of an application. `end` may reject, and nobody hears of it. */
export function fromPieces(
  next: () => Promise<{ readonly done?: boolean; readonly value?: unknown }>,
  end: (reason: unknown) => Promise<unknown>,
): BodySource {
  return {
    ofApplication: true,
    async read() {
      const { done, value } = await next()
      return done ? null : pieceOf(value)
    },
    cancel(reason) {
      end(reason).catch(() => {})
    },
  }
}

/** What a view says of itself can be replaced; its bytes are as many as this says. */
const lengthOf = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), 'length')!.get!

/** Text is not a chunk by the standard, but Bun's streams and many generators give it. */
function pieceOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) {
    const length: number = lengthOf.call(chunk)
    return length === chunk.length ? chunk : new Uint8Array(chunk.buffer, chunk.byteOffset, length)
  }
  if (typeof chunk === 'string') return encoder.encode(chunk)
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (isBuffer(chunk)) return new Uint8Array(chunk)
  throw new TypeError('a body stream gives bytes')
}

export function isSource(content: Content): content is BodySource {
  return typeof content === 'object' && 'read' in content
}

/** Of any realm: test runners and sandboxes have their own. */
export function isBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object ArrayBuffer]'
}
