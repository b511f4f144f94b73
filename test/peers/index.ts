/** Every peer, in the order of the matrix. */
import { go, jetty, puma, tomcat } from './compiled.ts'
import { bun, deno, node, srvx, workerd } from './javascript.ts'
import { hangup } from './ours.ts'
import type { Peer } from './peer.ts'
import { caddy, haproxy, nginx } from './proxies.ts'
import { gevent, gunicornGthread, gunicornSync, hypercorn, tornado, uvicorn, waitress } from './python.ts'

export const peers: readonly Peer[] = [
  ...[gevent, gunicornSync, gunicornGthread, uvicorn, hypercorn, waitress, tornado],
  ...[puma, jetty, tomcat, go],
  ...[node, srvx, bun, deno, workerd],
  ...[nginx, haproxy, caddy],
  hangup,
]
