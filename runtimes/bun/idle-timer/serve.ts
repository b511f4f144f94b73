/**
 * `serve()` over `Bun.serve` where there is no kernel ledger: Bun's own clock, in steps of 4 s, and
 * what can be held from within a request.
 */
import { toNative } from '../../../src/http1/web/ours.ts'
import { backgroundClock } from '../../../src/lifecycle/clock.ts'
import { Drain } from '../../../src/lifecycle/drain.ts'
import { applicationOf } from '../../../src/serve/application.ts'
import type { Running } from '../../../src/serve/contract.ts'
import { errorLine } from '../../../src/serve/error-line.ts'
import { listenError, prepare } from '../../../src/serve/prepare.ts'
import { ReasonCounts } from '../../../src/serve/reason-counts.ts'
import { plainResponse } from '../../../src/serve/responses.ts'
import { runningUnseen } from '../../../src/serve/running.ts'
import type { NativeEngine, Start } from '../../../src/serve/runtime.ts'
import type { BunServeOptions } from '../options.ts'
import { isSound, noteBodies } from '../response.ts'
import { type BunServer, listen, noteUpgrades } from '../server.ts'
import { Exchanges } from './exchanges.ts'
import { Shutdown } from './shutdown.ts'

export async function serveWithIdleTimer(
  start: Start<BunServeOptions>,
  { name, enforcement }: NativeEngine,
): Promise<Running> {
  const { app, options, longLived } = start
  noteBodies()
  const { policy, log } = prepare(start, enforcement)
  const counts = new ReasonCounts(log)
  const application = applicationOf(app, {
    policy,
    clock: backgroundClock,
    onError: options.onError,
    log,
    onRefused: (reason) => counts.count(reason),
    isSound,
    ownOf: toNative,
    draining: longLived.draining,
    webSockets: () => longLived.webSockets,
  })
  const exchanges = new Exchanges(policy, application, counts, longLived)

  const take = (request: Request, server: BunServer) => exchanges.take(request, server)
  const { access } = start.observer
  const fetch =
    access === null
      ? take
      : access.ofHandler(take, (request, on) => {
          const client = on.requestIP(request)
          return client && { host: client.address, port: client.port }
        })

  let server: BunServer
  try {
    server = await listen(options, policy, longLived, {
      idleTimeout: exchanges.idleSeconds,
      fetch,
      // What Bun found fault with by itself.
      error(error) {
        log.error({ level: 'error', code: 'APPLICATION_ERROR', message: errorLine(error) })
        return plainResponse(500)
      },
    })
  } catch (error) {
    throw typeof (error as NodeJS.ErrnoException).code === 'string' ? listenError(error, options) : error
  }
  noteUpgrades(server)

  const { address, port } = server
  const drain = new Drain(policy, new Shutdown(policy, server, exchanges, longLived))
  return runningUnseen({ engine: name, start, at: { host: address.address, port }, enforcement, log, drain }, () => ({
    busy: server.pendingRequests,
    requests: exchanges.requests,
    hungUp: counts.hungUp,
  }))
}
