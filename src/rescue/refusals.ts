/** Why the kernel does not let us, in one line with the remedy. */
import { readFileSync } from 'node:fs'
import { type BorrowError, EINVAL, ENOSYS, EPERM, ESRCH } from './borrow.ts'
import { readProcess } from './processes.ts'

export function refusalOf({ call, errno }: BorrowError, pid: number): string {
  if (errno === ESRCH) return `process ${pid} is gone`
  if (errno === ENOSYS || errno === EINVAL) {
    return `this kernel lacks ${call}, which came with Linux ${call === 'pidfd_open' ? '5.3' : '5.6'}`
  }
  if (errno !== EPERM) return `${call} of process ${pid} failed (errno ${errno})`
  const owner = readProcess(pid)?.uid
  const us = process.getuid?.()
  if (us !== 0 && owner !== us)
    return `process ${pid} belongs to user ${owner ?? 'unknown'}: run as that user or as root`
  const scope = ptraceScope()
  if (us !== 0 && scope !== null && scope > 0) {
    return `kernel.yama.ptrace_scope is ${scope}, which lets only root borrow descriptors: run as root, or sysctl kernel.yama.ptrace_scope=0`
  }
  return forbidden(`${call} of process ${pid}`)
}

/** Where not even the descriptors of the process may be listed. */
export function refusalOfHidden(owner: number): string {
  const us = process.getuid?.()
  return us === 0 || us === owner ? forbidden('inspecting the process that listens') : strangersOf(owner)
}

const strangersOf = (owner: number | undefined): string =>
  `the process belongs to user ${owner ?? 'unknown'}: run as that user or as root`

const forbidden = (what: string): string =>
  `the kernel forbids ${what}: it needs CAP_SYS_PTRACE (in a container --cap-add SYS_PTRACE; a seccomp profile may forbid it too), or CAP_NET_ADMIN to reset the connections instead`

function ptraceScope(): number | null {
  try {
    return Number(readFileSync('/proc/sys/kernel/yama/ptrace_scope', 'utf8'))
  } catch {
    return null
  }
}
