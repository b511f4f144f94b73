/**
 * Our classes in the places of the globals. `Response` and `Headers` for speed: an application makes them. `Request` and
 * `fetch` only where the native constructor does not take a LightRequest by itself (Node's reads private fields).
 */
import { LightHeaders } from './headers.ts'
import { NativeRequest, nativeFetch } from './native.ts'
import { LightRequest } from './request.ts'
import { isLightResponse, LightResponse, toNativeResponse } from './response.ts'

const unwrapped = (input: unknown): unknown => (LightRequest.is(input) ? LightRequest.toNative(input) : input)

/** The native class in everything but that it takes our requests. */
const requestGlobal: typeof NativeRequest = new Proxy(NativeRequest, {
  construct(native, [input, ...rest], newTarget) {
    return Reflect.construct(native, [unwrapped(input), ...rest], newTarget === requestGlobal ? native : newTarget)
  },
})

function fetchGlobal(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return nativeFetch(unwrapped(input) as RequestInfo, init)
}
Object.defineProperty(fetchGlobal, 'name', { value: 'fetch' })

/** Whether a native constructor takes a request of ours without help. */
export function takesLightRequests(): boolean {
  try {
    const light = new LightRequest({ method: 'PUT', raw: [] }, 'http://localhost/probe', null)
    return new NativeRequest(light as unknown as Request).url === light.url
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

/** Returns what undoes it. Several servers may hold it; the last one that lets go brings the natives back, unless somebody else has replaced ours. */
export function installGlobals(): () => void {
  if (holders++ === 0) {
    put('Response', LightResponse)
    put('Headers', LightHeaders)
    if (!takesLightRequests()) {
      put('Request', requestGlobal)
      put('fetch', fetchGlobal)
    }
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
  }
}

/** What only native code takes (`WebAssembly.compileStreaming`, Bun's `HTMLRewriter`), for a request or response of ours; others as they are. */
export function toNative<T extends Request | Response>(message: T): T {
  if (LightRequest.is(message)) return LightRequest.toNative(message) as T
  if (isLightResponse(message)) return toNativeResponse(message) as T
  return message
}
