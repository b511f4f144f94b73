import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isConfigError } from '../policy/problems.ts'
import type { LogLine } from '../serve/log.ts'
import { listenFds } from './listen-fds.ts'
import { onSocket } from './sockets.ts'

const pid = 4_242
const given = { LISTEN_FDS: '1', LISTEN_PID: String(pid), LISTEN_FDNAMES: 'web' }

function read(env: Record<string, string>) {
  const log: LogLine[] = []
  const left = { ...env }
  const sockets = listenFds(left, (line) => log.push(line), pid)
  return { sockets, log, left }
}

function refused(env: Record<string, string>): string {
  try {
    read(env)
  } catch (error) {
    assert.ok(isConfigError(error))
    return error.message
  }
  return assert.fail('it was taken')
}

test('without the variables there are no sockets', () => {
  assert.deepEqual(read({}).sockets, [])
  assert.deepEqual(read({ LISTEN_FDS: '' }).sockets, [])
})

test('sockets of another process are not taken, the log says so, and no child hears of them', () => {
  const { sockets, log, left } = read({ ...given, LISTEN_PID: '17', PATH: '/bin' })
  assert.deepEqual(sockets, [])
  assert.deepEqual(
    log.map(({ code }) => code),
    ['SOCKETS_NOT_OURS'],
  )
  assert.deepEqual(left, { PATH: '/bin' })
})

test('what can not be is refused by the name of its variable', () => {
  assert.match(refused({ ...given, LISTEN_FDS: 'two' }), /^LISTEN_FDS two: not a number of sockets/)
  assert.match(refused({ ...given, LISTEN_FDS: '0' }), /^LISTEN_FDS 0/)
  assert.match(refused({ ...given, LISTEN_PID: 'me' }), /^LISTEN_PID me: not the number of a process/)
  assert.match(refused({ LISTEN_FDS: '1' }), /^LISTEN_PID.*missing beside LISTEN_FDS/)
})

test('a socket takes the place of where it would listen, and whoever names both is told', () => {
  const socket = { fd: 3, at: { host: '::', port: 80 } }
  const nameOf = (name: string): string => `--${name}`
  assert.equal(onSocket({ idleTimeoutMs: 1 }, [socket], nameOf).fd, 3)
  assert.equal(onSocket({ port: 80 }, [], nameOf).port, 80)
  assert.throws(() => onSocket({ port: 80 }, [socket], nameOf), /--port 80: .*LISTEN_FDS/)
  assert.equal(onSocket({ port: 80 }, [socket], () => 'PORT').port, undefined, 'PORT is for whoever listens')
  assert.throws(() => onSocket({}, [socket, socket], nameOf), /LISTEN_FDS 2: it serves on one socket/)
})
