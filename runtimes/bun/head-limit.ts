/**
 * The size of a request head as Bun holds it: `http.maxHeaderSize`, one for the whole process.
 * `node:http` is 900 functions, which each collection of garbage looks at: it is loaded only where
 * another limit than Bun's own is wanted.
 */
import { env, execArgv } from 'node:process'

const flag = '--max-http-header-size'
const isFlagged = execArgv.some((argument) => argument.startsWith(flag)) || env['BUN_OPTIONS']?.includes(flag)

/** Kept by the global object, because a program may have several copies of the package. */
const key = Symbol.for('hangup.bunMaxHeadBytes')
const shared = globalThis as { [key]?: number }
/** Bun's default; 0: whoever started Bun has chosen another. */
shared[key] ??= isFlagged ? 0 : 16 * 1024

/** For the requests that come from now on. */
export async function limitHeads(maxHeadBytes: number): Promise<void> {
  if (shared[key] === maxHeadBytes) return
  const { default: http } = await import('node:http')
  ;(http as { maxHeaderSize: number }).maxHeaderSize = maxHeadBytes
  shared[key] = maxHeadBytes
}
