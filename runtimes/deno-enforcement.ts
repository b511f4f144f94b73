/** Who holds each limit on Deno. */
import { engineEnforcement, sweptHandshake } from './engine-enforcement.ts'

export const enforcement = engineEnforcement({ reset: 'FIN', handshake: sweptHandshake })
