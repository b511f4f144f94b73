/** What `hangup top` takes. */
import { adminClientEntries } from '../admin/client-settings.ts'
import { onOff, setting } from '../policy/setting.ts'
import { accepted, parse } from '../policy/units.ts'

export const defaultEveryMs = 1_000
const leastEveryMs = 200

export const topEntries = {
  ...adminClientEntries,
  everyMs: setting(
    {
      value: 'duration',
      what: 'Looks again after so long. Where the output is not a terminal, and with --json, it looks once unless this is given.',
      default: `${defaultEveryMs / 1_000}s`,
      accepted: `${accepted.duration}, at least ${leastEveryMs}ms`,
    },
    (text, refuse) => {
      const ms = parse('duration', text)
      if (typeof ms === 'string') return refuse(ms)
      return ms >= leastEveryMs ? ms : refuse(`${text} is too often`)
    },
  ),
  once: onOff('Prints one table, and ends.'),
  json: onOff('Prints one JSON object for each look, a line each.'),
} as const
