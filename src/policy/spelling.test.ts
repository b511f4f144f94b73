import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../command/settings.ts'
import { flagOf, nearest, variableOf } from './spelling.ts'

test('a flag is the name in kebab case without its unit', () => {
  assert.equal(flagOf('idleTimeoutMs'), '--idle-timeout')
  assert.equal(flagOf('maxBodyBytes'), '--max-body')
  assert.equal(flagOf('minBodyBytesPerSec'), '--min-body-rate')
  assert.equal(flagOf('maxRequestsPerConnection'), '--max-requests-per-connection')
  assert.equal(flagOf('tlsCert'), '--tls-cert')
})

test('a variable is the flag in capitals', () => {
  assert.equal(variableOf('idleTimeoutMs'), 'HANGUP_IDLE_TIMEOUT')
  assert.equal(variableOf('minResponseBytesPerSec'), 'HANGUP_MIN_RESPONSE_RATE')
})

test('no two options of a command share a flag', () => {
  for (const { takes } of Object.values(commands)) {
    const flags = takes.map(flagOf)
    assert.equal(new Set(flags).size, flags.length)
  }
})

test('nearest finds a typo and leaves a stranger alone', () => {
  const names = ['idleTimeoutMs', 'headTimeoutMs', 'serve']
  assert.equal(nearest('idelTimeoutMs', names), 'idleTimeoutMs')
  assert.equal(nearest('idleTimeout', names), 'idleTimeoutMs')
  assert.equal(nearest('sevre', names), 'serve')
  assert.equal(nearest('colour', names), null)
  assert.equal(nearest('HANGUP_PROT', ['HANGUP_PORT', 'HANGUP_HOST']), 'HANGUP_PORT')
  assert.equal(nearest('HANGUP_NODE', ['HANGUP_PORT', 'HANGUP_HOST']), null)
})
