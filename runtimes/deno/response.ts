/**
 * What `Deno.serve` makes of an answer, read and written where Deno keeps it: the Response's own properties under symbols
 * (ext/fetch/23_response.js, as in Deno 2.9). In public it is dear or impossible: `response.headers` takes the shortest way
 * out of an answer, 12 % of a hello's requests/s before anything is set, and `response.body` turns one that is there whole
 * into a stream. Where a Deno keeps it elsewhere, the public way is taken, and every answer for a stream: `completed` says
 * when it is out. @hono/node-server reads Node's in the same way.
 */
import { withHeader as withHeaderInPublic } from '../../src/native-answer.ts'

type Field = [name: string, value: string]
interface Inner {
  readonly headerList: Field[]
  /** Null too while the body is a text that nobody has asked for. */
  readonly body: { readonly streamOrStatic: object } | null
}
type Slots = Record<symbol, unknown>

const probe = new Response('', { headers: { a: 'b' } })
const symbolOf = (description: string): symbol =>
  Object.getOwnPropertySymbols(probe).find((symbol) => symbol.description === description) ?? Symbol(description)
const inner = symbolOf('response')
/** Not 0: all of it is a text or bytes and a `Content-Type`, and goes out without a look at the rest. */
const fastStatus = symbolOf('serve fast status')
/** Made with its head in advance. */
const nativeAnswer = symbolOf('serve native response')

const innerOf = (response: Response): Inner => (response as unknown as Slots)[inner] as Inner
const [first] = (innerOf(probe) as Inner | undefined)?.headerList ?? []
const known = first?.[0] === 'a' && fastStatus in probe && nativeAnswer in probe

/** Whether an answer is made piece by piece. */
export function isStream(response: Response): boolean {
  return !known || innerOf(response).body?.streamOrStatic instanceof ReadableStream
}

/** There whole, a 200, and no more of a head than a `Content-Type`. */
export const isPlain = (response: Response): boolean =>
  known && response instanceof Response && (response as unknown as Slots)[fastStatus] !== 0

/** What the answer itself says of its connection. */
export function connectionOf(response: Response): string | null {
  if (!known) return response.headers.get('connection')
  if ((response as unknown as Slots)[fastStatus] !== 0) return null
  return find(innerOf(response).headerList, 'connection')?.[1] ?? null
}

export function withHeader(response: Response, name: string, value: string): Response {
  if (!known) return withHeaderInPublic(response, name, value)
  const slots = response as unknown as Slots
  slots[fastStatus] = 0
  slots[nativeAnswer] = null
  const { headerList } = innerOf(response)
  // An answer without a body can be given again.
  const before = find(headerList, name)
  if (before === undefined) headerList.push([name, value])
  else before[1] = value
  return response
}

function find(fields: readonly Field[], name: string): Field | undefined {
  for (const field of fields) if (field[0].length === name.length && field[0].toLowerCase() === name) return field
  return undefined
}
