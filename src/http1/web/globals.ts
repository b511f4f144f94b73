/**
 * Our classes in the places of the globals. `Response` and `Headers` for speed: an application
 * makes them. `Request` and `fetch` where the native constructor does not read a WebRequest as one
 * of its own (Node's reads private fields; Bun's takes it for an init object, and the method is
 * lost).
 */
import { WebHeaders } from './headers.ts'
import { NativeRequest, nativeFetch } from './native.ts'
import { WebRequest } from './request.ts'
import { WebResponse } from './response.ts'

/**
 * For a native constructor or function. Fetch 5.4: a body is read once (Bun's constructor forgets
 * to look).
 */
function unwrapped(input: unknown, init: unknown): unknown {
  if (!WebRequest.is(input)) return input
  if (WebRequest.isSpent(input) && ((init as RequestInit | null | undefined)?.body ?? null) === null) {
    throw new TypeError('Cannot construct a Request with a Request object that has already been used.')
  }
  return WebRequest.toNative(input)
}

/** The native class in everything but that it takes our requests. */
const requestGlobal: typeof NativeRequest = new Proxy(NativeRequest, {
  construct(native, [input, ...rest], newTarget) {
    const given = [unwrapped(input, rest[0]), ...rest]
    return Reflect.construct(native, given, newTarget === requestGlobal ? native : newTarget)
  },
})

/** The native function, with what a runtime keeps on it (Bun's `fetch.preconnect`). */
const fetchGlobal: typeof nativeFetch = new Proxy(nativeFetch, {
  apply(native, self, [input, ...rest]) {
    try {
      return Reflect.apply(native, self, [unwrapped(input, rest[0]), ...rest])
    } catch (error) {
      return Promise.reject(error)
    }
  },
})

/** One init of each shape: what it says of the new request wins, and the rest is the old one's. */
const initShapes: readonly (RequestInit | undefined)[] = [
  undefined,
  {},
  { method: 'POST' },
  { headers: { 'x-b': '2' } },
  { method: 'POST', headers: { 'x-b': '2' } },
  { body: 'x' },
  { redirect: 'manual' },
  { signal: null },
]

const seenIn = ({ method, url, headers, body, redirect, signal }: Request): string =>
  JSON.stringify([method, url, [...headers], body !== null, redirect, signal.aborted])

/** What native constructors make of a request, with every shape of init. */
function copiesOf(make: () => Request): string {
  const copies = initShapes.map((init) => new NativeRequest(make(), init))
  return [...copies, new NativeRequest('http://localhost/', make()), make().clone()].map(seenIn).join()
}

let taken: boolean | undefined

/**
 * Whether the native constructor reads a request of ours as it reads one of its own, whatever init
 * comes with it.
 */
export function takesWebRequests(): boolean {
  taken ??= asksToTake()
  return taken
}

function asksToTake(): boolean {
  const [method, url, field] = ['PUT', 'http://localhost/probe', ['x-a', '1'] as const]
  const body = new Uint8Array([0x61])
  const ours = (): Request => {
    const request = new WebRequest({ method, raw: field }, url, body)
    WebRequest.abort(request, undefined)
    return request as object as Request
  }
  try {
    const native = () => new NativeRequest(url, { method, headers: [[...field]], body, signal: AbortSignal.abort() })
    return copiesOf(ours) === copiesOf(native)
  } catch {
    return false
  }
}

const replaced = new Map<string, { readonly before: PropertyDescriptor; readonly ours: unknown }>()
let holders = 0

function put(name: string, ours: unknown): void {
  const before = Object.getOwnPropertyDescriptor(globalThis, name)!
  replaced.set(name, { before, ours })
  Object.defineProperty(globalThis, name, {
    value: ours,
    writable: true,
    configurable: true,
    enumerable: before.enumerable ?? false,
  })
}

/**
 * Returns what undoes it. Several servers may hold it; the last one that lets go brings the natives
 * back, unless somebody else has replaced ours. `requests`: the application gets requests of ours.
 */
export function installGlobals({ requests = true } = {}): () => void {
  holders += 1
  if (!replaced.has('Response')) {
    put('Response', WebResponse)
    put('Headers', WebHeaders)
  }
  if (requests && !takesWebRequests() && !replaced.has('Request')) {
    put('Request', requestGlobal)
    put('fetch', fetchGlobal)
    WebRequest.constructorIs(requestGlobal)
  }
  let held = true
  return function uninstall() {
    if (!held) return
    held = false
    if (--holders > 0) return
    for (const [name, { before, ours }] of replaced) {
      if (Reflect.get(globalThis, name) === ours) Object.defineProperty(globalThis, name, before)
    }
    replaced.clear()
    WebRequest.constructorIs(NativeRequest)
  }
}
