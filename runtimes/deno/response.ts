/**
 * What `Deno.serve` makes of an answer, read where Deno keeps it: its own properties under the symbols `response` and
 * `headers` (ext/fetch/23_response.js). Asking in public is no way: `response.body` turns an answer that is there whole
 * into a stream. Where a Deno keeps it elsewhere, every answer is taken for a stream, and `completed` says when it is out.
 */
interface Inner {
  readonly body: { readonly streamOrStatic: object } | null
}

const symbols = Object.getOwnPropertySymbols(new Response('', { headers: { a: 'b' } }))
const inner = symbols.find(({ description }) => description === 'response')

/** Whether an answer is made piece by piece. */
export function isStream(response: Response): boolean {
  if (inner === undefined) return true
  const { body } = (response as unknown as Record<symbol, Inner>)[inner]!
  return body?.streamOrStatic instanceof ReadableStream
}

export const connectionOf = (response: Response): string | null => response.headers.get('connection')
