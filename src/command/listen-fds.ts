/**
 * Sockets that systemd has opened for this process, by the protocol of sd_listen_fds(3):
 * descriptors from 3 on, `LISTEN_FDS` of them, for the process `LISTEN_PID`.
 */
import process from 'node:process'
import { ConfigError, type Problem, problem } from '../policy/problems.ts'
import { addressOf } from '../serve/inherited.ts'
import type { Log } from '../serve/log.ts'
import type { Env } from './env.ts'
import type { Socket } from './sockets.ts'

const firstFd = 3
const variables = ['LISTEN_FDS', 'LISTEN_PID', 'LISTEN_FDNAMES', 'LISTEN_PIDFDID'] as const

/**
 * None: nobody has opened any for this process. The variables are taken away: they are not meant
 * for its children. Throws a `ConfigError` that names the variable.
 */
export function listenFds(env: Env, log: Log, pid = process.pid): readonly Socket[] {
  const { LISTEN_FDS: count, LISTEN_PID: owner } = env
  for (const name of variables) delete (env as Record<string, unknown>)[name]
  if (!isGiven(count)) return []
  const problems: Problem[] = []
  if (!isWhole(count)) problems.push(problem('LISTEN_FDS', count, 'not a number of sockets', '1 or more'))
  if (!isGiven(owner))
    problems.push(problem('LISTEN_PID', '', 'it is missing beside LISTEN_FDS', 'the number of this process'))
  else if (!isWhole(owner))
    problems.push(problem('LISTEN_PID', owner, 'not the number of a process', 'that of this process'))
  if (problems.length > 0) throw new ConfigError(problems)
  if (Number(owner) !== pid) {
    const message = `LISTEN_FDS: the sockets are for the process ${owner}, this is ${pid}: nothing is taken. Start the runtime itself, without a shell, npm or npx in between`
    log({ level: 'warn', code: 'SOCKETS_NOT_OURS', message, count: 1 })
    return []
  }
  return Array.from({ length: Number(count) }, (_, index) => {
    const fd = firstFd + index
    return { fd, at: addressOf(fd, `LISTEN_FDS=${count}: descriptor`) }
  })
}

const isGiven = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isWhole = (text: string): boolean => /^[1-9]\d{0,6}$/.test(text)
