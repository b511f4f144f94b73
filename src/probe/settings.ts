/** What `hangup probe` and `hangup compare` take beside the policy. */

import { presetNames } from '../policy/presets.ts'
import { onOff, type SettingSpec, setting } from '../policy/setting.ts'
import { didYouMean } from '../policy/spelling.ts'
import { accepted, parse } from '../policy/units.ts'
import { badPath, parseTarget } from './client/url.ts'
import { type PathName, pathNames } from './terms.ts'

/**
 * node:http acts on its 60 s for a head up to 30 s later, and nginx keeps an idle connection for 75
 * s.
 */
export const defaultLimitMs = 100_000
/** Node waits 120 s for a TLS handshake. */
export const defaultTlsLimitMs = 130_000
export const defaultConnections = 50
export const mostConnections = 20_000
export const leastLimitMs = 1_000

const file = (what: string, more: Partial<SettingSpec> = {}) =>
  setting({ value: 'file', what, default: 'none', accepted: 'a path to a file', ...more }, (text) => text)

/** `amounts`: what a path may have placeholders for. */
const path = (what: string, amounts: readonly string[] = [], preset = 'none') =>
  setting(
    {
      value: 'path',
      what,
      default: preset,
      accepted: ['a path that begins with /', ...amounts.map((name) => `with or without {${name}}`)].join(', '),
    },
    (text, refuse) => {
      const why = badPath(text, amounts)
      return why === null ? text : refuse(why)
    },
  )

/** Routes whose whole point is what the application of the suite's own servers answers. */
export const ownRoutes: readonly PathName[] = [
  'whoami',
  'authority',
  'count',
  'healthz',
  'patient/upload',
  'patient/slow',
  'patient/stream',
  'patient/large',
  'hasty/upload',
]
/** Those that have a flag of their own, and what each may be asked for. */
export const routeFlags = {
  hello: 'path',
  slow: 'slowPath',
  stream: 'streamPath',
  upload: 'uploadPath',
  large: 'largePath',
} as const satisfies Partial<Record<PathName, string>>
/** How a page is given: with a flag of its own or among `paths`. */
export const pageOption = (page: PathName, nameOf: (option: string) => string): string =>
  page in routeFlags ? nameOf(routeFlags[page as keyof typeof routeFlags]) : `${nameOf('paths')} ${page}=…`

const moreRoutes = pathNames.filter((name) => !(name in routeFlags) && !ownRoutes.includes(name))

export const probeEntries = {
  target: setting(
    {
      value: 'url',
      what: 'The server: http://host:port or https://host:port, with the path of a page that answers GET with 200 if that is not /.',
      default: 'none',
      accepted: 'http://host:port or https://host:port',
      isArgument: true,
    },
    (text, refuse) => {
      const target = parseTarget(text)
      return typeof target === 'string' ? refuse(target) : target
    },
  ),
  path: path('A page that answers GET with 200.', [], 'the path of the URL'),
  slowPath: path(
    'A page whose handler takes its time before it answers: {ms} becomes that time; without it the time is measured.',
    ['ms'],
  ),
  streamPath: path('A page that sends a part, is quiet, and sends the rest; {ms} as above.', ['ms']),
  uploadPath: path('A page that reads the body of a POST to its end and then answers 200.', ['ms']),
  largePath: path('A page that answers with 16 MB or more; {bytes} becomes the size.', ['bytes']),
  paths: setting(
    {
      value: 'name=path,…',
      what: `More pages, for cases that need them: ${moreRoutes.join(', ')}.`,
      default: 'none',
      accepted: `name=path with commas; names: ${moreRoutes.join(', ')}`,
    },
    (text, refuse) => {
      const paths: Partial<Record<PathName, string>> = {}
      for (const part of text.split(',')) {
        const [name = '', ...rest] = part.trim().split('=')
        const route = moreRoutes.find((known) => known === name)
        if (!route) return refuse(`unknown page ${name}${didYouMean(name, moreRoutes)}`)
        const given = rest.join('=')
        const why = badPath(given, ['ms', 'bytes'])
        if (why !== null) return refuse(why)
        paths[route] = given
      }
      return paths
    },
  ),
  limitMs: setting(
    {
      value: 'duration',
      what: 'How long a connection is held open to see whether the server ends it.',
      default: '100s, over https:// 130s, or as long as --behind needs',
      accepted: 'a duration of at least 1s',
    },
    (text, refuse) => {
      const ms = parse('duration', text)
      if (typeof ms === 'string') return refuse(ms)
      return ms >= leastLimitMs ? ms : refuse(`${text} is too short to tell anything`)
    },
  ),
  expect: setting(
    {
      value: 'limits',
      what: 'What the server should hold: idle-timeout=5s,head-timeout=10s, or a JSON file with such options (also what hangup serve --report json prints).',
      default: 'its limits are measured',
      accepted: 'option=value with commas, or a path to a JSON file',
    },
    (text) => text,
  ),
  behind: setting(
    {
      value: 'names',
      what: `What stands in front of the server, with commas: checks that its idle limit outlives theirs. ${presetNames.join(', ')}.`,
      default: 'none',
      accepted: presetNames.join(', '),
    },
    (text) => text.split(',').map((name) => name.trim()),
  ),
  pid: setting(
    {
      value: 'number',
      what: 'The server’s process on this machine, to see its descriptors.',
      default: 'none',
      accepted: 'a process id',
    },
    (text, refuse) => (/^[1-9]\d{0,9}$/.test(text) ? Number(text) : refuse(`${text} is not a process id`)),
  ),
  drain: onOff('Sends SIGTERM to --pid at the end, and watches how the server drains.'),
  healthz: onOff(
    'For health checks: one GET and no more, exit status 0 if it answers 2xx within --limit (then 5s), else 1. unix:/path and unix:/path:/page too.',
  ),
  vanish: onOff(
    'Lets a client vanish: adds an address to this machine’s loopback and takes it away (CAP_NET_ADMIN, iproute2).',
  ),
  case: setting(
    {
      value: 'ids',
      what: 'Only the cases whose id begins with one of these, with commas; what ends in .json is a file with cases of your own.',
      default: 'all',
      accepted: 'ids, beginnings of ids or JSON files, with commas',
    },
    (text) => {
      const parts = text.split(',').map((part) => part.trim())
      const isFile = (part: string) => part.endsWith('.json')
      return { starts: parts.filter((part) => !isFile(part)), files: parts.filter(isFile) }
    },
  ),
  connections: setting(
    {
      value: 'number',
      what: 'Connections open at once, at most.',
      default: String(defaultConnections),
      accepted: accepted.count,
    },
    (text, refuse) => {
      const count = parse('count', text)
      if (typeof count === 'string') return refuse(count)
      return count >= 1 && count <= mostConnections ? count : refuse(`${text} is not between 1 and ${mostConnections}`)
    },
  ),
  insecure: onOff('Accepts any certificate.'),
  ca: file('Certificates to trust (PEM).', { default: 'those of the runtime' }),
  json: file('Where the report goes as JSON; - is the standard output.'),
  junit: file('The same as JUnit XML.'),
  html: file('The same as one HTML page.'),
  quiet: onOff('No progress, only the result.'),
  iMayTestThisHost: onOff('The target is not this machine, and its owner has agreed.'),
} as const

export const compareEntries = {
  reports: setting(
    {
      value: 'report.json …',
      what: 'Reports that hangup probe --json has written.',
      default: 'none',
      accepted: 'paths to JSON reports',
      isArgument: true,
    },
    (text) => text.split('\n'),
  ),
  html: file('Where the matrix goes as one HTML page.'),
  json: onOff('Prints one report of all the servers as JSON instead of the table.'),
} as const
