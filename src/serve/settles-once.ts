/**
 * What a handler returned, as something that can be asked once: a value, or a promise of the
 * runtime's own.
 */

/**
 * A promise whose `then` is the application's may throw, or call back as often as it likes; each
 * time would be an answer, and the second goes to the next request of the connection. Throws where
 * the value can't be looked at.
 */
export function settlesOnce<T>(returned: T): T | Promise<Awaited<T>> {
  if (!(returned instanceof Promise) && !isThenable(returned)) return returned
  // A Proxy of a promise, or what has only its prototype, is another promise than what this gives.
  const promise = Promise.resolve(returned)
  if (Object.getPrototypeOf(promise) === Promise.prototype && !Object.hasOwn(promise, 'then')) return promise
  return new Promise((resolve) => resolve(promise))
}

export const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as PromiseLike<unknown>).then === 'function'
