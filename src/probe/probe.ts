/** `probe()`: the suite against any HTTP server, from a program. */
import { type OptionName, optionNames, type PolicyInput } from '../policy/policy.ts'
import type { PresetName } from '../policy/presets.ts'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import { didYouMean } from '../policy/spelling.ts'
import { ask } from './ask.ts'
import type { Case } from './case.ts'
import { type CaseInput, readCases } from './case-file.ts'
import { badPath, parseTarget } from './client/url.ts'
import { expected, limitFor, pools } from './judge/expectation.ts'
import type { Report } from './reports/report.ts'
import { choiceOf, noBehindWithExpect, type ProbeRequest } from './request.ts'
import type { CaseRun } from './run.ts'
import { defaultConnections, leastLimitMs, mostConnections, ownRoutes, routeFlags } from './settings.ts'
import { type PathName, pathNames } from './terms.ts'

export interface ProbeOptions {
  /** What the server should hold: options of `serve()`. Default: its limits are measured. */
  readonly expect?: PolicyInput
  /**
   * What stands in front of the server: whether its idle limit outlives theirs. Default: nothing.
   * Not with `expect`.
   */
  readonly behind?: readonly PresetName[]
  /**
   * Only these: ids of built-in cases or how they begin (`idle-`), and cases of your own. Default:
   * all built-in cases.
   */
  readonly cases?: readonly (string | CaseInput)[]
  /**
   * How long a connection is held open to see whether the server closes it, in ms, at least 1,000.
   * Default: 100,000; over https 130,000; or as long as `behind` needs.
   */
  readonly limitMs?: number
  /** Connections open at once, at most, 1 to 20,000. Default: 50. */
  readonly connections?: number
  /**
   * Pages for cases that need them: `slow`, `stream`, `upload` (with `{ms}` where the page takes a
   * time), `large` (with `{bytes}`), and more: docs/probe.md. Default: `hello`, a page that answers
   * GET with 200, is the path of the URL.
   */
  readonly paths?: Readonly<Partial<Record<PathName, string>>>
  /** The server's process on this machine, to see its descriptors. Default: none. */
  readonly pid?: number
  /** Sends SIGTERM to `pid` at the end, and watches how the server drains. Default: no. */
  readonly drain?: boolean
  /**
   * Lets a client vanish: an address comes to this machine's loopback and goes (CAP_NET_ADMIN).
   * Default: no.
   */
  readonly vanish?: boolean
  /** Accepts any certificate. Default: no. */
  readonly insecure?: boolean
  /** Certificates to trust (PEM). Default: those of the runtime. */
  readonly ca?: string
  /**
   * The target is not this machine, and its owner has agreed. Default: no, and such a target is
   * refused.
   */
  readonly iMayTestThisHost?: boolean
  /**
   * Ends the probe. While the server is looked at first, `probe()` rejects with the signal's
   * reason; later every connection is closed and the report says what is known, with `cutShort`.
   * Default: none.
   */
  readonly signal?: AbortSignal
  /** Told of each case when it starts and when it is judged. Default: nobody. */
  readonly onCase?: (theCase: Case, state: 'running' | CaseRun) => void
}

/**
 * Probes the server at an http: or https: URL and resolves to the report. Starts nothing, ends no
 * process but with `drain`, and leaves no connection open. Rejects with a `ConfigError` (code
 * `CONFIG_INVALID`) that names every option that is wrong, or with an `UnreachableError` (code
 * `PROBE_UNREACHABLE`) where no server answers.
 */
export async function probe(url: string | URL, options: ProbeOptions = {}): Promise<Report> {
  const { signal = new AbortController().signal, onCase } = options
  return ask(readOptions(String(url), options), { signal, ...(onCase && { watch: onCase }) })
}

const optionKeys = [
  ...['expect', 'behind', 'cases', 'limitMs', 'connections', 'paths', 'pid', 'drain', 'vanish', 'insecure', 'ca'],
  ...['iMayTestThisHost', 'signal', 'onCase'],
]

/** Throws a `ConfigError` with everything that is wrong. */
function readOptions(url: string, options: ProbeOptions): ProbeRequest {
  const problems: Problem[] = []
  for (const name of Object.keys(options)) {
    if (!optionKeys.includes(name)) {
      problems.push(problem(name, name, `there is no such option${didYouMean(name, optionKeys)}`, ''))
    }
  }
  const target = parseTarget(url)
  if (typeof target === 'string') problems.push(problem('url', url, target, 'http://host:port or https://host:port'))
  const tls = typeof target !== 'string' && target.tls
  const { connections = defaultConnections, paths = {}, pid, drain, vanish, insecure, ca, iMayTestThisHost } = options
  const isWhole = (value: unknown, least: number, most: number) =>
    Number.isInteger(value) && (value as number) >= least && (value as number) <= most
  if (!isWhole(connections, 1, mostConnections)) {
    problems.push(problem('connections', connections, 'out of range', `a whole number, 1 to ${mostConnections}`))
  }
  if (options.limitMs !== undefined && !(options.limitMs >= leastLimitMs)) {
    problems.push(problem('limitMs', options.limitMs, 'too short to tell anything', `${leastLimitMs} or more`))
  }
  if (pid !== undefined && !isWhole(pid, 1, 2 ** 31 - 1)) problems.push(problem('pid', pid, 'not a process id', ''))
  if (drain && pid === undefined) problems.push(problem('drain', 'true', 'it needs pid to know whom to end', ''))
  checkPaths(paths, problems)
  const expect = { origin: 'option', values: options.expect ?? {}, nameOf } as const
  const known = expected([expect], undefined, nameOf, problems)
  const behind = pools(options.behind ?? [], 'behind', problems)
  if (known && behind.length > 0) problems.push(problem('behind', 'behind', noBehindWithExpect, ''))
  const limitMs = limitFor(options.limitMs, { flag: 'limitMs', tls }, behind, problems)
  const chosen = options.cases ?? []
  if (options.cases?.length === 0)
    problems.push(problem('cases', 'cases', 'the list is empty', 'ids and cases, or no list'))
  const own = readCases(
    chosen.filter((one) => typeof one !== 'string'),
    true,
    (why) => problems.push(problem('cases', 'cases', why, '')),
  )
  const starts = chosen.filter((one) => typeof one === 'string')
  const choice = choiceOf(starts, own, 'cases', problems)
  if (typeof target === 'string' || problems.length > 0) throw new ConfigError(problems)
  return {
    ...{ target, paths: { hello: target.path, ...paths }, expected: known, behind, limitMs, connections, choice },
    ...{ pid, drain, vanish, insecure, ca, iMayTestThisHost, nameOf },
  }
}

function checkPaths(paths: NonNullable<ProbeOptions['paths']>, problems: Problem[]): void {
  const pages = pathNames.filter((name) => !ownRoutes.includes(name))
  for (const [name, path] of Object.entries(paths)) {
    const isPage = pages.some((page) => page === name)
    const why = isPage ? badPath(path, ['ms', 'bytes']) : `unknown page${didYouMean(name, pages)}`
    if (why !== null) problems.push(problem(`paths.${name}`, path, why, isPage ? '' : pages.join(', ')))
  }
}

/** As a program writes it. */
function nameOf(option: string): string {
  if (optionNames.includes(option as OptionName)) return `expect.${option}`
  const page = Object.entries(routeFlags).find(([, flag]) => flag === option)?.[0]
  return page === undefined ? option : `paths.${page}`
}
