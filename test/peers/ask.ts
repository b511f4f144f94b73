/** One probe of one variant of a peer, from its start to its end. */
import { flagOf } from '../../src/policy/spelling.ts'
import type { Case } from '../../src/probe/case.ts'
import { cases } from '../../src/probe/cases/index.ts'
import { descriptorLimitOf } from '../../src/probe/client/kernel.ts'
import { drainOf, watchDrain } from '../../src/probe/drain-watch.ts'
import { preflight } from '../../src/probe/find/preflight.ts'
import { type Outcome, probe, type Site } from '../../src/probe/probing.ts'
import { reportOf } from '../../src/probe/reports/probed.ts'
import type { Report } from '../../src/probe/reports/report.ts'
import { defaultConnections } from '../../src/probe/settings.ts'
import { type Peer, pages, type Variant } from './peer.ts'
import { type Places, start } from './start.ts'

export interface Asked {
  readonly peer: Peer
  readonly variant: Variant
  readonly version: string
}

export const nameOf = ({ peer, variant }: Pick<Asked, 'peer' | 'variant'>): string =>
  variant.name === 'stock' ? peer.title : `${peer.title}, ${variant.name}`
export const fileOf = ({ peer, variant }: Pick<Asked, 'peer' | 'variant'>): string =>
  `${peer.name}-${variant.name}.json`

/** How long it is watched at least; a variant may need longer, see `Variant.limitMs`. */
export async function ask(
  asked: Asked,
  places: Omit<Places, 'port'>,
  leastMs: number,
  stop: AbortSignal,
): Promise<Report> {
  const { peer, variant } = asked
  const limitMs = Math.max(leastMs, variant.limitMs ?? 0)
  const server = await start(variant, places)
  try {
    const address = { host: '127.0.0.1', port: server.port, tls: false }
    const paths = peer.pages ?? pages
    const seen = await preflight(address, paths, flagOf)
    // Its table of descriptors is not where the connections are.
    const pid = peer.workers ? undefined : server.pid
    const site: Site = { ...address, paths, foreign: seen.foreign, local: seen.local, pid }
    const startedAt = new Date()
    const fromMs = performance.now()
    const asking = {
      site,
      choice: { cases, own: new Set<string>(), isChosen: ({ id }: Case) => !(id in (peer.kills ?? {})) },
      expected: null,
      limitMs,
      hintMs: seen.hintMs,
      connections: defaultConnections,
      nameOf: flagOf,
    }
    let outcome: Outcome = await probe({ ...asking, stop })
    const descriptorLimit = descriptorLimitOf(pid)
    if (outcome.cutShort === null) {
      const { finding, judged } = drainOf(await watchDrain(site, server.pid, drainLimitMs, stop), drainLimitMs)
      outcome = { ...outcome, findings: [...outcome.findings, finding], judged: [...outcome.judged, judged] }
    }
    const url = `http://127.0.0.1:${server.port}`
    const told = { url, server: seen.server, startedAt, tls: false, source: 'measured', descriptorLimit }
    return renamed(reportOf({ ...outcome, ...told, tookMs: performance.now() - fromMs }), asked)
  } finally {
    await server.stop()
  }
}

/** Longer than Kubernetes waits, who is not alone in waiting for 30 s. */
const drainLimitMs = 35_000

/** The address says nothing once it is gone. */
function renamed(report: Report, asked: Asked): Report {
  const name = nameOf(asked)
  return {
    ...report,
    servers: report.servers.map((server) => ({ ...server, name, version: asked.version, url: null })),
    cells: report.cells.map((cell) => ({ ...cell, server: name })),
  }
}
