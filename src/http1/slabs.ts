/**
 * Memory for bodies that are on their way, used again and again: to allocate and collect a hundred
 * kilobytes for each answer was a quarter of what one cost on Node.
 */
import { Buffer } from 'node:buffer'

/** In front of the bytes: for the head, so that both are written in one piece. */
export const slabRoom = 1024
/** Smaller ones come out of the runtime's own pool. */
const smallestBytes = 4 * 1024
const largestBytes = 256 * 1024
/** Of those that nobody uses: sixty-four answers of 100 KB at once. */
const keptBytes = 8 * 2 ** 20

const encoder = new TextEncoder()

const free = new Map<number, Buffer[]>()
let freeBytes = 0

/** `room` bytes in front of `bytes` may be written over. */
export interface Slab {
  readonly bytes: Uint8Array
  readonly room: number
  /** Once, when the bytes are needed no more; without it they are garbage like all others. */
  readonly release?: () => void
}

export function slabOf(length: number): Slab {
  const needed = length + slabRoom
  if (length < smallestBytes || needed > largestBytes) return { bytes: Buffer.allocUnsafe(length), room: 0 }
  // The next power of two.
  const size = 2 ** (32 - Math.clz32(needed - 1))
  const whole = free.get(size)?.pop()
  if (whole !== undefined) freeBytes -= size
  const slab = whole ?? Buffer.allocUnsafeSlow(size)
  return { bytes: slab.subarray(slabRoom, needed), room: slabRoom, release: () => keep(slab) }
}

/** A copy of these. */
export function slabOfBytes(bytes: Uint8Array): Slab {
  const slab = slabOf(bytes.length)
  slab.bytes.set(bytes)
  return slab
}

/**
 * Long text as UTF-8; null: it is short, and better written as it is. To count its bytes first, as
 * a write of text has to, costs Node four times what it costs to encode it.
 */
export function slabOfText(text: string): Slab | null {
  if (text.length < smallestBytes) return null
  // Nearly all text is ASCII, and most of the rest has few other characters.
  const slab = slabOf(text.length + (text.length >> 4))
  const { read, written } = encoder.encodeInto(text, slab.bytes)
  if (read === text.length) return { ...slab, bytes: slab.bytes.subarray(0, written) }
  slab.release?.()
  return { bytes: Buffer.from(text), room: 0 }
}

function keep(slab: Buffer): void {
  if (freeBytes + slab.length > keptBytes) return
  freeBytes += slab.length
  const same = free.get(slab.length)
  if (same === undefined) free.set(slab.length, [slab])
  else same.push(slab)
}
