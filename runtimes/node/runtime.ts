/** Node, as `serve()` and the gateway see it. */
import type { Runtime } from '../../src/runtime.ts'
import { NodeDownstream } from './gateway-downstream.ts'
import { serving } from './serving.ts'

let connecting: Promise<typeof import('./connect.ts')> | undefined

export const node = {
  ...serving,
  async connect(...to) {
    connecting ??= import('./connect.ts')
    return (await connecting).connect(...to)
  },
  http2: true,
  async holdMemory(clock) {
    const { holdYoungGeneration } = await import('./young-generation.ts')
    holdYoungGeneration(clock)
  },
  downstream: (request, env) => new NodeDownstream(request, env),
} satisfies Runtime
