/** The access log that a program asked for, as an engine's observer tells it. */
import { backgroundClock } from '../lifecycle/clock.ts'
import { AccessFeed } from '../observe/access.ts'
import type { ServeOptions } from './contract.ts'
import { errorLine } from './error-line.ts'
import { stderrLog, ThrottledLog } from './log.ts'

/** Null: nobody wants one. */
export function accessFeedOf({ accessLog, log = stderrLog }: ServeOptions): AccessFeed | null {
  if (accessLog === undefined) return null
  const throttled = new ThrottledLog(log)
  const failed = (error: unknown) =>
    throttled.write({ level: 'error', code: 'ACCESS_LOG_FAILED', message: `accessLog failed: ${errorLine(error)}` })
  return new AccessFeed(accessLog, backgroundClock, failed)
}
