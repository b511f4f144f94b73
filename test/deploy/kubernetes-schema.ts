/** Whether a resource is one by the schemas of Kubernetes. */
import type { Resource } from './files.ts'

/**
 * The schemas let unknown fields pass, which is how a misspelt one goes unseen. Compiled, they read
 * each field that they know: a field that was never read is unknown.
 */
function watched(value: unknown, path: string, unread: Set<string>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const copy = Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const at = `${path}.${key}`
      unread.add(at)
      return [key, watched(inner, at, unread)]
    }),
  )
  return new Proxy(Array.isArray(value) ? Object.values(copy) : copy, {
    get(target, key, receiver) {
      unread.delete(`${path}.${String(key)}`)
      return Reflect.get(target, key, receiver)
    },
  })
}

/** Throws with the path of what is wrong. */
export async function validate(resource: Resource): Promise<void> {
  const { apiVersion, kind } = resource
  const models = await import(`kubernetes-models/${apiVersion}`)
  const unread = new Set<string>()
  // Not of an instance, which is a copy.
  models[kind].prototype.validate.call(watched(resource, kind, unread))
  if (unread.size > 0) throw new Error(`no field of Kubernetes: ${[...unread].join(', ')}`)
}
