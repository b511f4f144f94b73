/** What `hangup gateway` takes beside limits: each a flag and a variable, most of them a key of the configuration file too. */

import { onOff, setting } from '../../command/setting.ts'
import { presetNames } from '../../policy/presets.ts'
import { didYouMean } from '../../policy/spelling.ts'
import { accepted, parse } from '../../policy/units.ts'
import { engineChoices } from '../../serve/choose-engine.ts'
import { defaultPort } from './schema.ts'
import {
  balanceAccepted,
  bufferKinds,
  hostHeaderAccepted,
  hstsProblem,
  isHostHeader,
  isPseudonym,
  isUpgrade,
  networkProblem,
  networksAccepted,
  parseBalance,
  parseUpstream,
  upstreamAccepted,
} from './texts.ts'

const files = (what: string, preset: string) =>
  setting({ value: 'file', what, default: preset, accepted: 'a path to a PEM file', isRepeatable: true }, (text) =>
    text.split('\n'),
  )

const port = (what: string, preset: string, least: 0 | 1, elseVariable?: string) =>
  setting(
    {
      value: 'number',
      what,
      default: preset,
      accepted: `a port number, ${least} to 65535`,
      ...(elseVariable !== undefined && { elseVariable }),
    },
    (text, refuse) =>
      /^\d{1,5}$/.test(text) && Number(text) < 65_536 && Number(text) >= least
        ? Number(text)
        : refuse(`${text} is not a port number`),
  )

const networkList = (what: string, preset: string) =>
  setting({ value: 'network', what, default: preset, accepted: networksAccepted, isRepeatable: true }, (text, refuse) =>
    text.split(/[\n,]/).map((network) => {
      const why = networkProblem(network.trim())
      return why === null ? network.trim() : refuse(why)
    }),
  )

const choice = <const Choices extends readonly string[]>(choices: Choices, what: string, preset: string) =>
  setting(
    { value: choices.join('|'), what, default: preset, accepted: choices.join(', ') },
    (text, refuse): Choices[number] =>
      choices.find((known) => known === text) ?? refuse(`${text} is none of them${didYouMean(text, choices)}`),
  )

const count = (what: string, preset: string) =>
  setting({ value: 'number', what, default: preset, accepted: `${accepted.count} or off` }, (text, refuse) => {
    const value = parse('count', text)
    return typeof value === 'number' ? value : refuse(value)
  })

export const gatewayEntries = {
  to: setting(
    {
      value: 'url',
      what: 'Upstream: http://host:port, https://host:port or unix:/path; ;weight=3 and ;proxy-protocol=v2 may follow. More than one: repeat it.',
      default: 'none',
      accepted: upstreamAccepted,
      isRepeatable: true,
    },
    (text, refuse) =>
      text.split('\n').map((url) => {
        const upstream = parseUpstream(url)
        return typeof upstream === 'string' ? refuse(upstream) : upstream
      }),
  ),
  config: setting(
    {
      value: 'file',
      what: 'Configuration file (.ts, .js, .json), for routes and groups.',
      default: 'hangup.config.ts or .json in the working directory, unless --to is given',
      accepted: 'a path to a file',
    },
    (text) => text,
  ),
  check: onOff('Validates, prints what would run, and ends: 0, or 2 where it could not.'),
  port: port('TCP port to listen on; 0 takes a free one.', String(defaultPort), 0, 'PORT'),
  host: setting(
    {
      value: 'address',
      what: 'Address to listen on.',
      default: 'all interfaces',
      accepted: 'an address or a host name',
    },
    (text) => text,
  ),
  unix: setting(
    { value: 'path', what: 'Unix socket to listen on instead of a TCP port.', default: 'TCP', accepted: 'a path' },
    (text) => text,
  ),
  tlsCert: files('Certificate chain (PEM); with several, the name that the client asks for (SNI) decides.', 'no TLS'),
  tlsKey: files('Its private key (PEM), in the same order.', 'no TLS'),
  http2: onOff('HTTP/2 beside HTTP/1.1, on the runtime’s own server (Node only).'),
  redirectHttp: port('One more port, where plain HTTP is redirected to the TLS listener.', 'none', 1),
  redirectToPort: port('The port in those redirects.', 'that of the TLS listener', 1),
  hsts: setting(
    {
      value: 'text',
      what: 'Strict-Transport-Security on every answer over TLS.',
      default: 'none',
      accepted: 'max-age=31536000, then ; includeSubDomains if wanted',
    },
    (text, refuse) => {
      const why = hstsProblem(text)
      return why === null ? text : refuse(why)
    },
  ),
  proxyProtocol: networkList(
    'Peers that announce their clients by PROXY protocol (v1 or v2); from them the header is required.',
    'none',
  ),
  trust: networkList('Networks whose Forwarded and X-Forwarded-* are believed; all others’ are replaced.', 'none'),
  balance: setting(
    { value: 'way', what: 'Which upstream gets the next request.', default: 'round-robin', accepted: balanceAccepted },
    (text, refuse) => {
      const balance = parseBalance(text)
      return typeof balance === 'string' ? refuse(balance) : balance
    },
  ),
  checkPath: setting(
    {
      value: 'path',
      what: 'Asks each upstream for this path every 10 s; 200 to 399 is healthy.',
      default: 'no active checks',
      accepted: 'a path: /healthz',
    },
    (text, refuse) => (/^\/[!-~]*$/.test(text) && !text.includes('#') ? text : refuse(`${text} is no path`)),
  ),
  buffer: choice(bufferKinds, 'Which messages are taken in whole before the slower side sees them.', 'both'),
  hostHeader: setting(
    {
      value: 'keep|upstream|host',
      what: 'The Host that upstreams see.',
      default: 'keep',
      accepted: hostHeaderAccepted,
    },
    (text, refuse) => (isHostHeader(text) ? text : refuse(`${text} is no host`)),
  ),
  upgrades: setting(
    {
      value: 'names',
      what: 'Protocols of Upgrade that are let through, with commas.',
      default: 'websocket',
      accepted: 'names of protocols, or none',
    },
    (text, refuse) =>
      text === 'none'
        ? []
        : text
            .split(',')
            .map((name) =>
              isUpgrade(name.trim())
                ? name.trim().toLowerCase()
                : refuse(`${name} is no protocol that can be tunnelled`),
            ),
  ),
  compress: onOff('Compresses answers for clients that accept it.'),
  clientMaxConnections: count('Connections of one client address at once.', 'off'),
  clientRequestsPerSec: count('Requests a second of one client address.', 'off'),
  clientBurst: count('Requests that may come at once after a pause.', 'those of one second'),
  spoolDir: setting(
    {
      value: 'path',
      what: 'Folder for buffered messages that are too large for memory.',
      default: 'the system’s folder for temporary files',
      accepted: 'a path to a folder',
    },
    (text) => text,
  ),
  pseudonym: setting(
    {
      value: 'name',
      what: 'What Via and Forwarded call this gateway.',
      default: 'hangup',
      accepted: 'letters, digits, . _ -',
    },
    (text, refuse) => (isPseudonym(text) ? text : refuse(`${text} is no pseudonym`)),
  ),
  noReasonHeader: onOff('The gateway’s own answers do not say why in Hangup-Reason.'),
  engine: choice(engineChoices, 'What speaks HTTP to clients; auto: hangup, but native for HTTP/2.', 'auto'),
  preset: setting(
    {
      value: 'names',
      what: `What stands in front of the gateway, several with commas: ${presetNames.join(', ')}.`,
      default: 'internet',
      accepted: presetNames.join(', '),
    },
    (text) => text.split(',').map((name) => name.trim()),
  ),
  report: choice(['text', 'json', 'none'], 'What is printed when it listens, and by --check.', 'text'),
} as const
