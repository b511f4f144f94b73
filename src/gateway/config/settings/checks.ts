/** The keys of a group's active checks. */
import { text } from '../kinds.ts'
import { limit, required } from '../setting.ts'

const why = 'nothing runs between requests there; failures eject an upstream all the same'

export const checkSettings = {
  path: required(
    text({ value: 'path', accepted: 'a path: /healthz' }, (given, refuse) =>
      /^\/[!-~]*$/.test(given) && !given.includes('#') ? given : refuse(`${given} is not a path`),
    ),
    {
      flag: 'checkPath',
      what: 'Asks each upstream for this path, every 10 s unless the file says otherwise; 200 to 399 is healthy.',
      workers: { why },
    },
  ),
  intervalMs: limit(
    {
      kind: 'duration',
      default: 10_000,
      off: false,
      what: 'Time between two checks of one upstream, give or take 10 %.',
      resets: '–',
      peerSees: '–',
      why: 'Soon enough for a rolling deployment, too rare to be a load.',
      source: 'Kubernetes periodSeconds 10',
    },
    { workers: { why } },
  ),
  timeoutMs: limit(
    {
      kind: 'duration',
      default: 2_000,
      off: false,
      what: 'How long one check may take.',
      resets: '–',
      peerSees: '–',
      why: 'A page that is made for checks answers at once.',
      source: 'HAProxy inter 2s; Kubernetes timeoutSeconds 1',
    },
    { workers: { why } },
  ),
  unhealthyAfter: limit(
    {
      kind: 'count',
      default: 3,
      off: false,
      what: 'Failed checks in a row until an upstream is down.',
      resets: '–',
      peerSees: '–',
      why: 'One lost packet is not an outage.',
      source: 'Kubernetes failureThreshold 3, HAProxy fall 3',
    },
    { workers: { why } },
  ),
  healthyAfter: limit(
    {
      kind: 'count',
      default: 2,
      off: false,
      what: 'Passed checks in a row until an upstream is up again.',
      resets: '–',
      peerSees: '–',
      why: 'What has just started may not stay up.',
      source: 'HAProxy rise 2',
    },
    { workers: { why } },
  ),
} as const
