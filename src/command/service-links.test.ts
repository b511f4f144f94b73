import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLine } from '../serve/log.ts'
import { readSettings } from './flags.ts'
import { isServiceLink, noteServiceLinks } from './service-links.ts'
import { commands, readEnvironment } from './settings.ts'

/** What a container got for the Services `hangup` (a named port and SCTP) and `hangup-idle`. */
const injected = {
  HANGUP_SERVICE_HOST: '10.96.12.7',
  HANGUP_SERVICE_PORT: '80',
  HANGUP_SERVICE_PORT_HTTP: '80',
  HANGUP_PORT: 'tcp://10.96.12.7:80',
  HANGUP_PORT_80_TCP: 'tcp://10.96.12.7:80',
  HANGUP_PORT_80_TCP_PROTO: 'tcp',
  HANGUP_PORT_80_TCP_PORT: '80',
  HANGUP_PORT_80_TCP_ADDR: '10.96.12.7',
  HANGUP_PORT_3868_SCTP: 'sctp://10.96.12.7:3868',
  HANGUP_IDLE_SERVICE_HOST: 'fd00::7',
  HANGUP_IDLE_SERVICE_PORT: '8080',
  HANGUP_IDLE_PORT: 'tcp://[fd00::7]:8080',
  HANGUP_IDLE_PORT_8080_TCP_ADDR: 'fd00::7',
}

test('what Kubernetes sets for a Service is no setting of any command', () => {
  for (const command of Object.keys(commands) as (keyof typeof commands)[]) {
    const { written, problems } = readEnvironment({ ...injected, PORT: '8080' }, command)
    assert.deepEqual(problems, [], command)
    assert.deepEqual(Object.keys(written.values), command === 'serve' || command === 'gateway' ? ['port'] : [], command)
  }
  assert.equal(readSettings([], { ...injected, PORT: '8080' }).options.port, 8080)
})

test('variables of ours are ours, right and wrong ones', () => {
  assert.equal(readSettings([], { ...injected, HANGUP_PORT: '9090' }).options.port, 9090)
  const wrong = {
    HANGUP_PORT: 'http',
    HANGUP_SERVICE_PORTS: '80',
    HANGUP_SERVICE_PORT: 'eighty',
    HANGUP_IDEL_TIMEOUT: '5s',
    HANGUP_PORT_80: '80',
  }
  for (const [name, value] of Object.entries(wrong)) {
    assert.equal(isServiceLink(name, value), false, name)
    assert.throws(() => readSettings([], { [name]: value }), { code: 'CONFIG_INVALID' }, name)
  }
})

test('all of them are said in one line, and none is said of none', () => {
  const lines: LogLine[] = []
  noteServiceLinks(injected, (line) => void lines.push(line))
  assert.match(
    lines.map(({ message }) => message).join('\n'),
    /^ignored HANGUP_SERVICE_HOST, .* and 11 more: Kubernetes.*$/,
  )
  noteServiceLinks({ HANGUP_PORT: '80', PORT: '80' }, (line) => void lines.push(line))
  assert.equal(lines.length, 1)
})
