/**
 * `hangup compare`: cases × servers, out of the reports of several runs. Exit status 0: compared,
 * 2: it could not.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { readPlaces } from '../../command/flags.ts'
import type { Host } from '../../command/host.ts'
import { runCommand } from '../../command/main.ts'
import { resolveEntries } from '../../command/settings.ts'
import { exitStatus } from '../../policy/exit-status.ts'
import { ConfigError, isConfigError, problem } from '../../policy/problems.ts'
import { argumentOf } from '../../policy/setting.ts'
import { compareEntries } from '../settings.ts'
import { toHtml } from './html.ts'
import { toJson } from './json.ts'
import { printable } from './printable.ts'
import { merged, type Named, type Report, readReport } from './report.ts'
import { fitting, limitRows, ruled, table } from './table.ts'

export function compareCommand(argv: readonly string[], host: Host): Promise<void> {
  return runCommand({ command: 'compare', program: 'hangup compare' }, argv, host, async () => {
    await compare(argv, host)
    return exitStatus.done
  })
}

async function compare(argv: readonly string[], host: Host): Promise<void> {
  const { places, problems } = readPlaces(argv, host.env, 'compare')
  const { settings, nameOf } = resolveEntries(compareEntries, places, problems)
  const { reports: files = [], html, json } = settings
  if (files.length === 0 && problems.length === 0) {
    const argument = argumentOf(compareEntries, 'reports')
    problems.push(
      problem(argument, argument, 'it is missing', 'one or more files that hangup probe --json has written'),
    )
  }
  const reports: Named[] = []
  for (const file of files) {
    try {
      reports.push({ file, report: readReport(await read(file), file) })
    } catch (error) {
      if (!isConfigError(error)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  const report = merged(reports)
  if (html !== undefined) {
    await writeFile(html, toHtml(report)).catch((error: NodeJS.ErrnoException) => {
      const why = `it cannot be written (${error.code ?? error.message})`
      throw new ConfigError([problem(nameOf('html'), html, why, '')], { cause: error })
    })
  }
  host.out(json ? toJson(report) : text(report, host.columns))
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new ConfigError([problem(file, file, `it cannot be read (${code ?? message})`, '')], { cause: error })
  }
}

/** The limits first: whoever leaks is seen before anything else. */
function text({ servers, cases, cells }: Report, columns: number): string {
  const names = servers.map(({ name }) => name)
  const limits = limitRows(servers)
  const versions = servers.flatMap(({ name, version: own }) =>
    own === null || own === name ? [] : [`${name}: ${own}`],
  )
  return [
    ...(versions.length > 0 ? [printable(versions.join('\n')), ''] : []),
    ...(limits.length > 1
      ? fitting(limits, columns, 1).flatMap((rows) => [printable(ruled(rows).join('\n')), ''])
      : []),
    table(cases, names, cells, columns),
    '',
  ].join('\n')
}
