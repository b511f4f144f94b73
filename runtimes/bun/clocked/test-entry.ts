/** Bun's native engine as it is where there is no kernel ledger, to be tested on Linux as well. */
import { main } from '../../../src/command.ts'
import { serveClocked } from './serve.ts'

await main({ runtime: 'bun', serve: (app, options) => serveClocked(app, options ?? {}, 'asked for') })
