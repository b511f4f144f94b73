/** What `npx wrangler dev` runs: the built-in app under the policy of the `HANGUP_*` variables (wrangler.toml, [vars]). */
import { env } from 'cloudflare:workers'
import { createApp } from '../src/app.ts'
import type { Env } from '../src/settings.ts'
import { fromVariables } from './workers.ts'

// Read while the module is evaluated, so that a bad value stops the start instead of the first request.
export default fromVariables(createApp(), env as Env)
