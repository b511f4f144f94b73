/** What `hangup rescue` takes. */

import { networks } from '../net/networks.ts'
import { onOff, setting } from '../policy/setting.ts'
import { accepted, parse } from '../policy/units.ts'

const number = (what: string, preset: string, least: number, most: number) =>
  setting(
    { value: 'number', what, default: preset, accepted: `a whole number, ${least} to ${most}` },
    (text, refuse) =>
      /^\d{1,9}$/.test(text) && Number(text) >= least && Number(text) <= most
        ? Number(text)
        : refuse(`${text} is ${/^\d+$/.test(text) ? 'out of range' : 'not a whole number'}`),
  )

const duration = (what: string, preset: string) =>
  setting({ value: 'duration', what, default: preset, accepted: accepted.duration }, (text, refuse) => {
    const ms = parse('duration', text)
    return typeof ms === 'number' ? ms : refuse(ms)
  })

export const defaultIdleMs = 60_000
const mostPid = 2 ** 22

export const rescueEntries = {
  pid: number(
    'The process to free; its workers, which share its listening sockets, are freed as well.',
    'none',
    1,
    mostPid,
  ),
  port: number('The port that it listens on; finds the processes.', 'none', 1, 65_535),
  idle: duration(
    'Quiet time after which a connection between two requests is closed. Longer than the heartbeat of event streams and WebSockets: to the kernel they look idle.',
    '1m',
  ),
  head: duration(
    'Quiet time after which half a request head is closed. A handler that takes longer looks the same.',
    'never',
  ),
  max: number('Closes so many at most, the longest idle first.', 'all', 1, 1_000_000),
  keepNewest: number('Keeps so many idle connections, the newest.', '0', 0, 1_000_000),
  exclude: setting(
    {
      value: 'network',
      what: 'Clients whose connections stay: an address, a network, or :port of a listener.',
      default: 'none',
      accepted: '10.0.0.0/8, 192.0.2.7, 2001:db8::/32, :8443',
      isRepeatable: true,
    },
    (text, refuse) => {
      const list = text.split(/[\n,]/).map((part) => part.trim())
      const isPort = (part: string) => /^:\d{1,5}$/.test(part)
      try {
        return {
          ports: list.filter(isPort).map((part) => Number(part.slice(1))),
          isExcluded: networks(list.filter((part) => !isPort(part))),
        }
      } catch (error) {
        return refuse((error as Error).message)
      }
    },
  ),
  dryRun: onOff('Shows what it would close, and closes nothing.'),
  watch: onOff('Stays, and closes what has been idle for too long every second, until it is interrupted.'),
  once: onOff('Looks once and ends, which is what it does without --watch.'),
  yes: onOff('Closes without asking.'),
  front: onOff(
    'Puts a gateway before the server that runs, for new connections to --port: nftables steers them to it (root). What follows -- is for the gateway.',
  ),
  directLoopback: onOff('With --front: clients of this machine are not redirected.'),
  undo: onOff('Takes the gateway of --front out again, whoever put it in.'),
  metrics: setting(
    {
      value: 'address',
      what: 'Serves what it sees of every listening port as metrics for Prometheus, at /metrics; closes nothing. A port alone is one of 127.0.0.1.',
      default: 'off',
      accepted: '9181, 127.0.0.1:9181, [::1]:9181',
    },
    (text, refuse) => {
      const [, , host = '127.0.0.1', port = ''] = /^((\[[\da-f:.]+\]|[\w.-]+):)?(\d{1,5})$/i.exec(text) ?? []
      if (port === '' || Number(port) > 65_535) return refuse(`${text} is not an address`)
      return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) }
    },
  ),
  json: onOff('Prints one JSON object for each look.'),
} as const
