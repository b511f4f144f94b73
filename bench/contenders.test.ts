import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alwaysAtWork, commands } from './contenders.ts'

test('servers of V8 are started without its memory reducer, and with all that they were given', () => {
  const [node] = commands.node
  const [deno] = commands.deno
  assert.deepEqual(alwaysAtWork([...commands.node, 'server.ts', '80']), [
    node,
    '--no-memory-reducer',
    'server.ts',
    '80',
  ])
  assert.deepEqual(alwaysAtWork([...commands.deno, 'server.ts', '80']), [
    deno,
    'run',
    '-A',
    '--v8-flags=--no-memory-reducer',
    'server.ts',
    '80',
  ])
})

test('others are started as they were', () => {
  for (const command of [
    [...commands.bun, 'server.ts'],
    ['nginx', '-p', 'here'],
  ])
    assert.deepEqual(alwaysAtWork(command), command)
})
