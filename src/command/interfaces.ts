/** Where a server can be reached that listens on all interfaces. */
import { networkInterfaces } from 'node:os'

type Interfaces = ReturnType<typeof networkInterfaces>

/** Whether the host means all interfaces, as no host does. */
const isAll = (host: string | undefined): boolean => host === undefined || host === '0.0.0.0' || host === '::'

/** The URLs of the other interfaces beside `url`; none for a server that listens on one address. */
export function alsoAt(url: string, host: string | undefined, interfaces: Interfaces): string[] {
  if (!isAll(host) || !URL.canParse(url)) return []
  const { protocol, port } = new URL(url)
  if (!/^https?:$/.test(protocol)) return []
  return (
    Object.values(interfaces)
      .flatMap((each) => each ?? [])
      // A link-local address needs a zone, which no URL in a browser has.
      .filter(
        ({ internal, family, address }) =>
          !internal && !/^fe80:/i.test(address) && (family === 'IPv4' || host !== '0.0.0.0'),
      )
      .map(
        ({ family, address }) => `${protocol}//${family === 'IPv6' ? `[${address}]` : address}${port && `:${port}`}/`,
      )
  )
}

/** None where Deno would have to ask for a permission. */
export function knownInterfaces(): Interfaces {
  const { Deno } = globalThis as {
    readonly Deno?: { permissions: { querySync(of: object): { readonly state: string } } }
  }
  if (Deno && Deno.permissions.querySync({ name: 'sys', kind: 'networkInterfaces' }).state !== 'granted') return {}
  return networkInterfaces()
}
