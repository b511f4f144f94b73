/**
 * For tests: the socket engine as it is served, over sockets in memory and a clock that the test
 * moves.
 */
import type { TestContext } from 'node:test'
import { FakeClock } from '../lifecycle/clock.fake.ts'
import { LongLived } from '../lifecycle/long-lived.ts'
import { FakeTransport, latin1 } from '../net/transport.fake.ts'
import type { Accept } from '../net/transport.ts'
import { Observer } from '../observe/observer.ts'
import type { Enforcement } from '../policy/enforcement.ts'
import { optionNames } from '../policy/policy.ts'
import { resolveOptions } from '../policy/resolve.ts'
import type { App, ServeOptions } from './contract.ts'
import { serveOnSockets } from './socket-engine.ts'

const enforcement = Object.fromEntries(
  optionNames.map((option) => [option, { by: 'us', stepMs: 0, how: 'swept', byRoute: 'swept' }]),
) as object as Enforcement

/** What the application's promises need to settle: no time passes for the server. */
export const settled = () => new Promise<void>((resolve) => setImmediate(resolve))

/** `whole`: tells of more listeners than this one. */
export async function serveInMemory(t: TestContext, app: App, given: ServeOptions = {}, whole?: Observer) {
  const options: ServeOptions = { signals: false, log: () => {}, drainSpreadMs: 0, ...given }
  const clock = new FakeClock()
  const observer = whole?.ofListener() ?? new Observer(clock)
  let accept: Accept | null = null
  let listening = true
  const stop = () => {
    listening = false
  }
  const resolved = resolveOptions(options)
  const running = await serveOnSockets(
    {
      app,
      options,
      resolved,
      runtime: 'memory',
      why: 'a test',
      observer,
      companions: { admin: null },
      longLived: new LongLived(resolved.policy, () => 0.5),
    },
    {
      async listen(_, accepted) {
        accept = accepted
        return { host: '127.0.0.1', port: 80, stop }
      },
      enforcement: () => enforcement,
      descriptors: () => null,
    },
    { env: () => undefined },
    {},
    { clock, random: () => 0.5, drainClock: clock },
  )
  t.after(() => running.kill())
  return {
    clock,
    running,
    isListening: () => listening,
    connect() {
      const transport = new FakeTransport()
      const server = accept!(transport)
      transport.onClosed = () => server.gone()
      return {
        transport,
        /** The bytes are written over at once, as a socket's memory is. */
        async send(text: string) {
          const memory = latin1(text)
          server.feed(memory)
          memory.fill(0x21)
          await settled()
        },
        end: () => server.peerEnded(),
      }
    },
  }
}
