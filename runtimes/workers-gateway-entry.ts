/**
 * What `npm run workers -- --env gateway` runs: a gateway by the `HANGUP_*` variables
 * (wrangler.toml, [env.gateway.vars]).
 */
import { env } from 'cloudflare:workers'
import type { Env } from '../src/command/env.ts'
import { gateway } from './workers-gateway.ts'

// Before the module has been evaluated, so that a bad value stops the start instead of the first request.
export default await gateway(env as Env)
