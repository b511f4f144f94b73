/** What the hangup engine holds on Deno, which its sockets are not needed for. */
import { type Enforcement, enforcementOf } from '../../src/policy/enforcement.ts'
import { loadLibc } from './libc.ts'

/**
 * Deno sets the quiet time before the first probe and leaves the rest to the kernel:
 * tcp_keepalive_intvl, tcp_keepalive_probes.
 */
const kernelProbes = { everyMs: 75_000, count: 9 }

/** What the hangup engine holds on Deno. */
export function enforcement(): Enforcement {
  const shared = enforcementOf('socketEngine')
  if (loadLibc().libc !== null) return shared
  return {
    ...shared,
    peerProbeMs: {
      by: 'us',
      stepMs: kernelProbes.everyMs * kernelProbes.count + 1_000,
      how: 'TCP keepalive; Deno leaves its probes to the kernel, 9 of them 75 s apart (with --allow-ffi: 10, 1 s apart)',
    },
  }
}
