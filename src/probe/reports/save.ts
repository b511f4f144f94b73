/** The report of a probe, and where it goes. */
import { writeFile } from 'node:fs/promises'
import { ConfigError, problem } from '../../policy/problems.ts'
import { flagOf } from '../../policy/spelling.ts'
import type { Known } from '../find/discover.ts'
import type { Told } from '../judge/summary.ts'
import { leaksOf } from '../judge/summary.ts'
import { cellOf, limitOf, makeReport, type Report, serverNamed } from './report.ts'

export interface Probed extends Told {
  readonly startedAt: Date
  readonly tls: boolean
  /** Where the policy is from that it was judged by. */
  readonly source: string
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
        warnings: leaksOf(probed),
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

/** What each flag writes; what is not asked for is not loaded. */
const forms = {
  json: async (report: Report) => (await import('./json.ts')).toJson(report),
  junit: async (report: Report) => (await import('./junit.ts')).toJUnit(report),
  html: async (report: Report) => (await import('./html.ts')).toHtml(report),
} as const
export type Form = keyof typeof forms
export const formNames = Object.keys(forms) as readonly Form[]

/** Throws a `ConfigError` that names every file that can't be written; the others are. `-`: to `print`. */
export async function save(
  report: Report,
  files: Readonly<Partial<Record<Form, string>>>,
  print: (text: string) => void,
): Promise<void> {
  const problems = []
  for (const form of formNames) {
    const file = files[form]
    if (file === undefined) continue
    const text = await forms[form](report)
    if (file === '-') print(text)
    else {
      try {
        await writeFile(file, text)
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code ?? String(error)
        problems.push(problem(flagOf(form), file, `it cannot be written (${code})`, ''))
      }
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
}
