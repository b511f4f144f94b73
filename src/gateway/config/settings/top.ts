/**
 * What stands at the top of a configuration file. What belongs to groups or routes (`scope`) may
 * stand there too, and holds where they say nothing.
 */
import { presetNames } from '../../../policy/presets.ts'
import { didYouMean } from '../../../policy/spelling.ts'
import { engineChoices } from '../../../serve/choose-engine.ts'
import { healthPathAccepted, isHealthPath } from '../../../serve/health-path.ts'
import type { BalanceBy } from '../config.ts'
import { choice, list, networkList, pairs, path, portNumber, text, toggle } from '../kinds.ts'
import { object, some } from '../objects.ts'
import { schemasOf, setting, structure } from '../setting.ts'
import {
  balanceAccepted,
  balanceText,
  bufferKinds,
  hostHeaderAccepted,
  hstsProblem,
  isHostHeader,
  isPseudonym,
  isUpgrade,
  parseBalance,
} from '../texts.ts'
import { checkSettings } from './checks.ts'
import { clientSettings } from './clients.ts'
import { defaultPort, listener, listenerSettings } from './listeners.ts'

const ports = { why: 'ports are the platform’s; use “Always Use HTTPS” of the zone' } as const

const preset = list({
  value: 'names',
  accepted: presetNames.join(', '),
  wrong: (name) =>
    (presetNames as readonly string[]).includes(name) ? null : `unknown preset ${name}${didYouMean(name, presetNames)}`,
})

const hsts = text({ accepted: 'max-age=31536000, then ; includeSubDomains if wanted' }, (given, refuse) => {
  const why = hstsProblem(given)
  return why === null ? given : refuse(why)
})

const pseudonym = text({ value: 'name', accepted: 'letters, digits, . _ -' }, (given, refuse) =>
  isPseudonym(given) ? given : refuse(`${given} is not a pseudonym`),
)

const healthPath = text({ value: 'path', accepted: healthPathAccepted }, (given, refuse) =>
  isHealthPath(given) ? given : refuse(`${given} is not a path`),
)

const balance = {
  ...text<BalanceBy>({ value: 'way', accepted: balanceAccepted }, (given, refuse) => {
    const read = parseBalance(given)
    return typeof read === 'string' ? refuse(read) : read
  }),
  show: balanceText,
}

const hostHeader = text({ value: 'keep|upstream|host', accepted: hostHeaderAccepted }, (given, refuse) =>
  isHostHeader(given) ? given : refuse(`${given} is not a host`),
)

const upgrades = list({
  value: 'names',
  accepted: 'names of protocols',
  none: 'none',
  wrong: (name) => (isUpgrade(name) ? null : `${name} is not a protocol that can be tunnelled`),
  made: (name) => name.toLowerCase(),
})

const errorPages = pairs(
  'an object of statuses (502) or classes (5xx) and paths, relative to this file',
  (status, page) => {
    if (!/^[45](\d\d|xx)$/.test(status)) return `${status} is not the status of an error`
    return typeof page === 'string' && page !== '' ? null : `${status}: ${JSON.stringify(page)} is not a path`
  },
  (pages) => pages,
)

export const topSettings = {
  listen: setting(structure('one or a list of objects, see Listeners', some(listener)), {
    unset: `port ${defaultPort}`,
    scope: 'gateway',
    what: 'Where clients connect.',
    workers: 'held',
    inside: { table: listenerSettings, flagsOf: 'first' },
  }),
  redirectHttp: setting(portNumber(1), {
    unset: 'none',
    scope: 'gateway',
    flag: 'redirectHttp',
    what: 'One more port, where plain HTTP is redirected (308) to the TLS listener.',
    workers: ports,
  }),
  redirectToPort: setting(portNumber(1), {
    unset: 'that of the first TLS listener',
    scope: 'gateway',
    flag: 'redirectToPort',
    what: 'The port in those redirects.',
    workers: ports,
  }),
  hsts: setting(hsts, {
    unset: 'none',
    scope: 'gateway',
    flag: 'hsts',
    what: '`Strict-Transport-Security` on every response over TLS.',
    workers: 'held',
  }),
  engine: setting(choice(engineChoices), {
    default: 'auto',
    scope: 'gateway',
    flag: 'engine',
    what: 'What speaks HTTP to clients; auto: hangup, but native for HTTP/2.',
    workers: { why: 'the platform speaks HTTP to clients' },
  }),
  preset: setting(preset, {
    unset: 'internet',
    scope: 'gateway',
    flag: 'preset',
    what: `What stands in front of the gateway, one or more of ${presetNames.join(', ')}.`,
    workers: 'held',
  }),
  trust: setting(networkList, {
    default: [],
    scope: 'gateway',
    flag: 'trust',
    what: 'Networks whose `Forwarded` and `X-Forwarded-*` are believed; those of all others are replaced.',
    workers: 'held',
  }),
  pseudonym: setting(pseudonym, {
    default: 'hangup',
    scope: 'gateway',
    flag: 'pseudonym',
    what: 'The name of this gateway in `Via` and `Forwarded`.',
    workers: 'held',
  }),
  reasonHeader: setting(toggle, {
    default: true,
    scope: 'gateway',
    flag: 'noReasonHeader',
    what: 'The gateway’s own responses say why in `Hangup-Reason`.',
    workers: 'held',
  }),
  clients: setting(structure('an object, see Clients', object(schemasOf(clientSettings))), {
    unset: 'none',
    scope: 'gateway',
    what: 'Limits of one client address.',
    workers: 'held',
    inside: { table: clientSettings, flagsOf: 'first' },
  }),
  healthPath: setting(healthPath, {
    unset: 'none',
    scope: 'gateway',
    flag: 'healthPath',
    what: 'Path that the gateway answers itself: 200 while it is ready, 503 from the first moment of a drain.',
    workers: { why: 'a Worker does not drain' },
  }),
  spoolDir: setting(path('a path to a folder'), {
    unset: 'the system’s folder for temporary files',
    scope: 'gateway',
    flag: 'spoolDir',
    what: 'Folder for buffered messages that are too large for memory.',
    workers: { why: 'there is no spool' },
  }),
  balance: setting(balance, {
    default: { by: 'round-robin' },
    scope: 'group',
    flag: 'balance',
    what: 'Which upstream gets the next request.',
    workers: 'held',
  }),
  check: setting(structure('an object, see Checks', object(schemasOf(checkSettings))), {
    unset: 'no active checks',
    scope: 'group',
    what: 'Asks each upstream whether it is healthy.',
    workers: 'held',
    inside: { table: checkSettings, flagsOf: 'first' },
  }),
  buffer: setting(choice(bufferKinds), {
    default: 'both',
    scope: 'route',
    flag: 'buffer',
    what: 'Which messages are taken in whole before the slower side sees them: memory first, then the spool.',
    workers: { why: 'messages pass as they come', only: 'off' },
  }),
  hostHeader: setting(hostHeader, {
    default: 'keep',
    scope: 'route',
    flag: 'hostHeader',
    what: 'The `Host` that upstreams see: the client’s (keep), the upstream’s own address (upstream), or this one.',
    workers: { why: 'fetch sends the upstream’s own Host; X-Forwarded-Host has the client’s', only: 'upstream' },
  }),
  upgrades: setting(upgrades, {
    default: ['websocket'],
    scope: 'route',
    flag: 'upgrades',
    what: 'Protocols of `Upgrade` that are let through.',
    workers: {
      why: 'the platform passes on WebSockets only',
      fits: (names) => names.every((name) => name === 'websocket'),
      accepted: 'websocket, none',
    },
  }),
  underscores: setting(toggle, {
    default: false,
    scope: 'route',
    what: 'Whether field names with _ are passed on; to CGI and WSGI they are the same as those with -.',
    workers: 'held',
  }),
  compress: setting(toggle, {
    default: false,
    scope: 'route',
    flag: 'compress',
    what: 'Compresses responses for clients that accept it.',
    workers: { why: 'the edge compresses by itself', only: false },
  }),
  earlyHints: setting(toggle, {
    default: true,
    scope: 'route',
    flag: 'noEarlyHints',
    what: 'Interim responses of upstreams (`103 Early Hints`) are passed on. Some clients take one for the response (RFC 8297 3).',
    workers: { why: 'fetch does not pass interim responses on', only: false },
  }),
  errorPages: setting(errorPages, {
    default: {},
    scope: 'route',
    what: 'HTML files for the gateway’s own responses, by status or class.',
    workers: { why: 'a Worker has no files' },
  }),
} as const
