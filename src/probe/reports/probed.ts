/** The report of one probe, out of all that it came to know. */
import { type Finding, type Known, problemOf } from '../find/discover.ts'
import type { Outcome } from '../probing.ts'
import { cellOf, limitOf, makeReport, type Report, serverNamed } from './report.ts'

export interface Probed extends Outcome {
  readonly url: string
  /** What `Server` says. */
  readonly server: string | null
  readonly startedAt: Date
  readonly tookMs: number
  readonly tls: boolean
  /** Where the policy is from that it was judged by. */
  readonly source: string
  /** The server's own limit of descriptors, if its process can be seen. */
  readonly descriptorLimit: number | null
}

export function reportOf(probed: Probed): Report {
  const { url, server: version, startedAt, tookMs, findings, judged, known, source, cutShort, tls } = probed
  const name = url.replace(/^https?:\/\//, '')
  return makeReport({
    startedAt,
    tookMs,
    servers: [
      serverNamed(name, {
        version,
        url,
        startedAt: startedAt.toISOString(),
        limits: findings.map(limitOf),
        expected: { source, policy: setOf(known) },
        warnings: leaksOf(findings, probed.descriptorLimit),
        cutShort,
      }),
    ],
    cases: judged.map(({ case: theCase }) => theCase),
    cells: judged.map(({ case: { level }, run }) =>
      cellOf(run, { server: name, transport: tls ? 'tls' : 'tcp', level }),
    ),
  })
}

function setOf({ policy }: Known): Record<string, number> {
  return Object.fromEntries(Object.entries(policy).filter(([, value]) => value > 0))
}

function leaksOf(findings: readonly Finding[], descriptorLimit: number | null): string[] {
  const limit = descriptorLimit ?? 1024
  const whose = descriptorLimit === null ? 'at ulimit -n 1024' : `at this server’s ulimit -n of ${limit}`
  const full = `; ${whose}, ${limit} of them and no further client is accepted`
  return findings
    .flatMap(({ question, watchedMs }) => (watchedMs === null ? [] : [{ question, watchedMs }]))
    .map(
      ({ question, watchedMs }, at) =>
        `LEAK: ${problemOf(question, watchedMs)}: ${question.cost}${at === 0 ? full : ''}.`,
    )
}
