/** `hangup top`: who is connected, live. */
import process from 'node:process'
import type { AdminClient } from '../admin/client.ts'
import { adminClientOf } from '../admin/client-of.ts'
import { asked, readPlaces } from '../command/flags.ts'
import { help } from '../command/help.ts'
import { cannotStart, explain, type Host } from '../command/main.ts'
import { resolveEntries } from '../command/settings.ts'
import { readable } from '../command/text-table.ts'
import { systemClock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { exitStatus } from '../policy/codes.ts'
import { ConfigError } from '../policy/problems.ts'
import type { Read } from '../policy/setting.ts'
import { version } from '../version.ts'
import { lookAt } from './look.ts'
import { defaultEveryMs, topEntries } from './settings.ts'
import { Terminal } from './terminal.ts'
import { plainText } from './view.ts'
import { watch } from './watch.ts'

type Settings = Read<typeof topEntries>

/** `isTerminal`: a person sits at both ends. */
export async function topCommand(argv: readonly string[], host: Host, isTerminal: boolean): Promise<void> {
  try {
    switch (asked(argv)) {
      case 'help':
        host.out(help('top', 'hangup top', host.columns))
        return host.exit(0)
      case 'version':
        host.out(`hangup ${version}\n`)
        return host.exit(0)
      default: {
        const { settings, client } = readTop(argv, host.env)
        const { json, once, everyMs = defaultEveryMs } = settings
        const isScreen = isTerminal && !json && !once && host.env['TERM'] !== 'dumb'
        host.exit(
          await (isScreen
            ? watch(client, new Terminal(host.env), everyMs, systemClock)
            : printed(settings, client, host)),
        )
      }
    }
  } catch (error) {
    host.err(`hangup: ${explain(error)}\n`)
    host.exit(cannotStart)
  }
}

function readTop(argv: readonly string[], env: Host['env']): { settings: Settings; client: AdminClient } {
  const { places, problems } = readPlaces(argv, env, 'top')
  const { settings, nameOf } = resolveEntries(topEntries, places, problems)
  const client = adminClientOf(settings, env, nameOf, problems)
  if (problems.length > 0) throw new ConfigError(problems)
  return { settings, client }
}

/** Once, or every so often until a signal. */
async function printed({ json, once, everyMs }: Settings, client: AdminClient, host: Host): Promise<number> {
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort())
  const view = { order: 'longest', state: null, selected: null } as const
  for (;;) {
    const look = await lookAt(client)
    host.out(json ? `${JSON.stringify(look)}\n` : `${plainText(look, view, readable(host.columns))}`)
    if (once || everyMs === undefined) return exitStatus.done
    await sleep(everyMs, systemClock, stopped.signal)
    if (stopped.signal.aborted) return exitStatus.done
    if (!json) host.out('\n')
  }
}
