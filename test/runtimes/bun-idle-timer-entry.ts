/** Bun's native engine as it is where there is no kernel ledger, to be tested on Linux as well. */

import { bun } from '../../runtimes/bun/runtime.ts'
import { bunWithIdleTimer } from '../../runtimes/bun/serving.ts'
import { main } from '../../src/command/main.ts'
import { planStart } from '../../src/serve/start.ts'

const withoutLedger = { ...bun, native: () => bunWithIdleTimer }

await main({
  runtime: bun.name,
  plan: (options, resolved) => planStart(withoutLedger, { ...options, engine: 'native' }, resolved),
})
