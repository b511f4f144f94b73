/**
 * A field of a request, asked for where Deno keeps it: under a symbol of the Request
 * (ext/http/00_serve.ts, as in Deno 2.9). Once somebody has taken its `headers`, Deno makes all of
 * them, and answers by the longer way. Where a Deno keeps it elsewhere, the public way is taken.
 */
import { fieldInHeaders } from '../../src/native/request-body.ts'

interface Inner {
  header?(name: string): string | null
}

const inner = Object.getOwnPropertySymbols(new Request('http://localhost/')).find(
  ({ description }) => description === 'request',
)

export function fieldOfRequest(request: Request, name: string): string | null {
  const found = inner && (request as unknown as Record<symbol, Inner | undefined>)[inner]
  return typeof found?.header === 'function' ? found.header(name) : fieldInHeaders(request, name)
}
