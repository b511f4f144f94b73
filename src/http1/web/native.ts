/**
 * The runtime's own classes, as they were when this module was loaded, and what our classes take
 * over from them. A native constructor reads slots that only native objects have: private fields on
 * Node, symbols on Deno, getters on Bun. Through `borrow` the last two find what they look for;
 * Node needs `installGlobals`.
 */
export const NativeRequest = globalThis.Request
export const NativeResponse = globalThis.Response
export const NativeHeaders = globalThis.Headers
export const nativeFetch = globalThis.fetch

/**
 * Puts a class of ours under a native one (`instanceof` holds) and forwards every member that ours
 * lacks to a native twin, so that a runtime's additions (Bun's `headers.toJSON()`, Deno's symbols)
 * work on ours as well. `sample` shows which members the native class keeps on its instances.
 * Symbols of the global registry are protocols (inspection) and work by inheritance.
 */
export function borrow<Ours extends object>(
  Ours: { readonly prototype: Ours },
  sample: object,
  twin: (ours: Ours) => object,
): void {
  const native = Object.getPrototypeOf(sample)
  Object.setPrototypeOf(Ours.prototype, native)
  const keys = [...Reflect.ownKeys(native), ...Reflect.ownKeys(sample)]
  for (const key of keys) {
    if (Object.hasOwn(Ours.prototype, key) || (typeof key === 'symbol' && Symbol.keyFor(key) !== undefined)) continue
    const own = Object.getOwnPropertyDescriptor(native, key)
    if (own !== undefined && 'value' in own) {
      if (typeof own.value !== 'function') continue
      const method = function (this: Ours, ...args: unknown[]) {
        const target = twin(this)
        return Reflect.apply(Reflect.get(target, key), target, args)
      }
      Object.defineProperty(Ours.prototype, key, { value: method, configurable: true, writable: true })
      continue
    }
    Object.defineProperty(Ours.prototype, key, {
      get(this: Ours) {
        return Reflect.get(twin(this), key)
      },
      set(this: Ours, value) {
        Reflect.set(twin(this), key, value)
      },
      configurable: true,
    })
  }
  Object.defineProperty(Ours, 'name', { value: native.constructor.name })
}

/**
 * Makes a borrowing class fit to stand in its native one's place: native instances are its
 * instances as well. Subclasses have the ordinary check.
 */
export function replaceable(Ours: object, Native: object): void {
  Object.setPrototypeOf(Ours, Native)
  Object.defineProperty(Ours, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      return Function.prototype[Symbol.hasInstance].call(this === Ours ? Native : this, value)
    },
  })
}
