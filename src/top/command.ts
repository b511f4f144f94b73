/** `hangup top`: who is connected, live. */
import process from 'node:process'
import type { AdminClient } from '../admin/client.ts'
import { readAdminCommand } from '../admin/client-of.ts'
import type { Host } from '../command/host.ts'
import { runCommand } from '../command/main.ts'
import { readable } from '../command/text-table.ts'
import { systemClock } from '../lifecycle/clock.ts'
import { sleep } from '../lifecycle/time.ts'
import { exitStatus } from '../policy/exit-status.ts'
import type { Read } from '../policy/setting.ts'
import { lookAt } from './look.ts'
import { defaultEveryMs, topEntries } from './settings.ts'
import { Terminal } from './terminal.ts'
import { plainText } from './view.ts'
import { watch } from './watch.ts'

type Settings = Read<typeof topEntries>

/** `isTerminal`: a person sits at both ends. */
export function topCommand(argv: readonly string[], host: Host, isTerminal: boolean): Promise<void> {
  return runCommand({ command: 'top', program: 'hangup top' }, argv, host, async () => {
    const { settings, client } = readAdminCommand('top', topEntries, argv, host.env)
    const { json, once, everyMs = defaultEveryMs } = settings
    const isScreen = isTerminal && !json && !once && host.env['TERM'] !== 'dumb'
    return isScreen ? watch(client, new Terminal(host.env), everyMs, systemClock) : printed(settings, client, host)
  })
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
