/** What fails today and is being mended, by engine. An entry that no longer fails anywhere turns red: it must go. */
import type { EngineName } from './columns.ts'

export const pending: Readonly<Record<EngineName, readonly string[]>> = {
  node: [],
  'node-hangup': [],
  bun: ['status-101-unasked', 'length-stream-too-many-at-once', 'returns-shared-empty'],
  'bun-hangup': [],
  deno: [
    'status-101-unasked',
    'body-fetched-cut',
    'length-zero-of-stream',
    'stream-fails-beyond-length',
    'stream-fails-to-http10',
    'length-stream-too-many',
    'length-stream-too-many-at-once',
    'length-stream-smuggles',
    'http10-head',
    'request-half-read-then-text',
    'request-half-read-then-answered',
    'csrf-after-copy',
    'body-limit',
    'length-bytes-too-many',
    'length-malformed',
  ],
  'deno-hangup': [],
}
