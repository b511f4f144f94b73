/**
 * Memory that all threads of `deno serve --parallel` share: each runs the main module in a realm of
 * its own, in one process.
 */
import { sharedWords, Threads } from '../../src/kernel/threads.ts'

type Pointer = object | null
declare const Deno: {
  dlopen(
    path: string,
    symbols: object,
  ): { readonly symbols: { mmap(...values: unknown[]): Pointer; msync: Call; munmap: Call } }
  readonly UnsafePointer: { create(address: bigint): Pointer; value(pointer: Pointer): bigint }
  readonly UnsafePointerView: { getArrayBuffer(pointer: Pointer, bytes: number): ArrayBuffer }
}
type Call = (...values: unknown[]) => number

/**
 * One address is all that the threads need to agree on, and mmap(2) with MAP_FIXED_NOREPLACE gives
 * it to exactly one of them. It is above what V8 takes for itself (46 bits,
 * `OS::GetRandomMmapAddr`) and below where Linux puts programs and libraries (two thirds of 47 bits
 * and up on x86-64). Nothing is left behind when the process ends, and no child inherits it.
 */
const address = 0x4868_0000_0000n
/** asm-generic/mman-common.h, mman.h. */
const PROT_READ_WRITE = 3
const MAP_PRIVATE_ANONYMOUS = 0x22
const MAP_NORESERVE = 0x4000
/** Linux 4.17; to an older one the address is a wish, which serves as well. */
const MAP_FIXED_NOREPLACE = 0x100000
const MS_ASYNC = 1

/** Throws if there is no such memory to be had: then no thread may hang up on anybody. */
export function joinThreads(): Threads {
  const { symbols: call } = Deno.dlopen('libc.so.6', {
    mmap: { parameters: ['pointer', 'usize', 'i32', 'i32', 'i32', 'i64'], result: 'pointer' },
    msync: { parameters: ['pointer', 'usize', 'i32'], result: 'i32' },
    munmap: { parameters: ['pointer', 'usize'], result: 'i32' },
  })
  const bytes = sharedWords * BigInt64Array.BYTES_PER_ELEMENT
  const wanted = Deno.UnsafePointer.create(address)
  const flags = MAP_PRIVATE_ANONYMOUS + MAP_NORESERVE + MAP_FIXED_NOREPLACE
  const given = call.mmap(wanted, bytes, PROT_READ_WRITE, flags, -1, 0)
  const at = given === null ? 0n : BigInt.asIntN(64, Deno.UnsafePointer.value(given))
  if (at !== address) {
    // MAP_FAILED is -1.
    if (at !== -1n) call.munmap(given, bytes)
    // Only mapped memory can be written back: another thread was first.
    if (call.msync(wanted, bytes, MS_ASYNC) !== 0)
      throw new Error('the address that its threads would share is not to be had')
  }
  const words = new BigInt64Array(Deno.UnsafePointerView.getArrayBuffer(wanted, bytes))
  return new Threads(words, performance.timeOrigin, performance.now())
}
