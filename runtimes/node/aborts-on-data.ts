/** The kernel's `TCPAbortOnData`, where there is no FFI to look at sockets one by one. */
import { readFileSync } from 'node:fs'
import { readCounter } from '../../src/kernel/layout.ts'

/** Of all processes of the network namespace; null: not Linux, or it may not be read. */
export function abortsOnData(): number | null {
  try {
    return readCounter(readFileSync('/proc/net/netstat', 'utf8'), 'TcpExt', 'TCPAbortOnData')
  } catch {
    return null
  }
}
