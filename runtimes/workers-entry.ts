/**
 * What `npm run workers` runs: the built-in app under the policy of the `HANGUP_*` variables
 * (wrangler.toml, [vars]).
 */
import { createApp } from '../src/command/built-in-app.ts'
import { serve } from './workers.ts'

export default serve(createApp())
