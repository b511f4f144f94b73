/**
 * How this server learns of the requests that its own closes lose: from its sockets, else from the
 * kernel's counter.
 */
import { openDuplicates } from '../kernel/duplicates.ts'
import { backgroundClock } from '../lifecycle/clock.ts'
import { LostRequests } from '../observe/lost-requests.ts'
import type { Observer } from '../observe/observer.ts'
import type { ServeRuntime } from './runtime.ts'

/** Before the engine starts. */
export async function watchLost(
  observer: Observer,
  { loadLibc, abortsOnData }: Pick<ServeRuntime, 'loadLibc' | 'abortsOnData'>,
): Promise<void> {
  const { libc } = await loadLibc()
  if (libc !== null) {
    observer.watchLost((tell) => new LostRequests(openDuplicates(libc), backgroundClock, tell))
    return
  }
  const before = abortsOnData?.() ?? null
  if (before === null) return
  observer.countLost(() => {
    const now = abortsOnData?.() ?? null
    return { source: 'namespace', total: now === null ? null : now - before, counts: [], unwatched: 0 }
  })
}
