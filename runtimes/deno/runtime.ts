/** Deno, as `serve()` and the gateway see it. */
import { NativeDownstream } from '../../src/gateway/downstream/downstream.ts'
import type { Runtime } from '../../src/runtime.ts'
import { certificatesOf } from '../../src/serve/prepare.ts'
import { libcListener } from '../libc-listener.ts'
import { connect } from '../node/connect.ts'
import { descriptors } from './descriptors.ts'
import { forget, inheritable } from './inheritable.ts'
import { loadLibc } from './libc.ts'
import { denoUnderLedger } from './serve.ts'
import type { ServeInfo } from './serve-info.ts'
import { enforcement, listen } from './transport.ts'
import { envOf, offerUpgrade } from './upgrade.ts'

export const deno = {
  name: 'deno',
  ownOptions: [],
  sockets: { listen, descriptors, enforcement },
  bindings: () => ({ env: envOf, offerUpgrade }),
  native({ tls }) {
    const loaded = loadLibc()
    // `Deno.serve` alone closes nothing.
    if (loaded.libc === null) return loaded
    const several = tls !== undefined && certificatesOf(tls).length > 1
    return several ? { why: 'Deno.serve has one certificate' } : denoUnderLedger(loaded.libc)
  },
  loadLibc,
  openListener: libcListener(loadLibc),
  inheritable,
  forget,
  connect,
  http2: false,
  downstream(request, { remoteAddr: { hostname, port } }: ServeInfo) {
    const version = request.headers.has('host') ? '1.1' : '2'
    return new NativeDownstream(request, { address: hostname, port }, version)
  },
} satisfies Runtime
