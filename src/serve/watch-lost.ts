/** How this server learns of the requests that its own closes lose: from its sockets, else from the kernel's counter. */
import { readFileSync } from 'node:fs'
import { openDuplicates } from '../kernel/duplicates.ts'
import { readCounter } from '../kernel/layout.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { LostRequests } from '../observe/lost-requests.ts'
import type { Observer } from '../observe/observer.ts'
import type { ServeRuntime } from './runtime.ts'

/** Before the engine starts. */
export async function watchLost(observer: Observer, { loadLibc }: Pick<ServeRuntime, 'loadLibc'>): Promise<void> {
  const { libc } = await loadLibc()
  if (libc !== null) {
    observer.watchLost((tell) => new LostRequests(openDuplicates(libc), backgroundClock, tell))
    return
  }
  const before = abortsOnData()
  if (before === null) return
  observer.countLost(() => {
    const now = abortsOnData()
    return { source: 'namespace', total: now === null ? null : now - before, counts: [], unwatched: 0 }
  })
}

/** Of all processes of the network namespace; null: not Linux, or Deno without the permission to read it. */
function abortsOnData(): number | null {
  try {
    return readCounter(readFileSync('/proc/net/netstat', 'utf8'), 'TcpExt', 'TCPAbortOnData')
  } catch {
    return null
  }
}
