/** A gateway as a process of its own, on one of the runtimes. */
import type { Lifetime } from '../lib/program.ts'
import { hangupOn, onAnyPort, type RuntimeName } from '../lib/runtimes.ts'
import { type Port, type Server, startServer, urlOf } from '../lib/server.ts'

export type GatewayProcess = Server

/** On a free port of 127.0.0.1, in front of these; gone when its test is. */
export const startGateway = (
  t: Lifetime,
  runtime: RuntimeName,
  to: readonly (string | Port)[],
  flags: readonly string[] = [],
): Promise<GatewayProcess> =>
  startServer(t, [
    ...hangupOn(runtime, 'gateway', ...onAnyPort),
    ...to.flatMap((upstream) => ['--to', typeof upstream === 'string' ? upstream : urlOf(upstream)]),
    ...flags,
  ])
