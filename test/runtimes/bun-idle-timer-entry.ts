/** Bun's native engine as it is where there is no kernel ledger, to be tested on Linux as well. */

import { serveWithIdleTimer } from '../../runtimes/bun/idle-timer/serve.ts'
import { main } from '../../src/command/main.ts'

await main({ runtime: 'bun', serve: (app, options) => serveWithIdleTimer(app, options ?? {}, 'asked for') })
