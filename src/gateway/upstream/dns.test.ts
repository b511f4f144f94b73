import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { literalAddress, Names, resolveEveryMs } from './dns.ts'

/** A resolver that a test answers, at a time that it sets. */
function resolver(random = 0.5) {
  const time = { now: 0 }
  const lines: string[] = []
  const asked: { name: string; answer: (addresses: readonly string[] | Error) => Promise<void> }[] = []
  let changes = 0
  const names = new Names({
    now: () => time.now,
    random: () => random,
    log: ({ level, code, message }) => lines.push(`${level} ${code} ${message}`),
    changed: () => {
      changes += 1
    },
    resolve(name) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>()
      const answer = (addresses: readonly string[] | Error) => {
        if (addresses instanceof Error) reject(addresses)
        else resolve(addresses)
        return setImmediate()
      }
      asked.push({ name, answer })
      return promise
    },
  })
  return {
    names,
    lines,
    asked,
    changes: () => changes,
    async answer(addresses: readonly string[] | Error) {
      await asked.shift()!.answer(addresses)
    },
    at(now: number) {
      time.now = now
      names.look(now)
    },
  }
}

const notFound = () => Object.assign(new Error('getaddrinfo ENOTFOUND app'), { code: 'ENOTFOUND' })

test('an address is told from a name', () => {
  assert.equal(literalAddress('10.0.0.1'), '10.0.0.1')
  assert.equal(literalAddress('::1'), '::1')
  assert.equal(literalAddress('[fe80::1]'), 'fe80::1')
  for (const name of ['localhost', 'app', '10.0.0.example', '1.2.3', 'a.b.c.d', 'xn--bcher-kva.example']) {
    assert.equal(literalAddress(name), null, name)
  }
})

test('a name has the addresses of both families, in an order that does not depend on the answer', async () => {
  const { names, answer, asked, changes } = resolver()
  names.keep(new Set(['app']))
  assert.deepEqual(
    asked.map(({ name }) => name),
    ['app'],
  )
  assert.equal(names.undecided, true)
  assert.deepEqual(names.addressesOf('app'), [])
  await answer(['fd00::7', '10.0.0.7', '10.0.0.7'])
  assert.deepEqual(names.addressesOf('app'), ['10.0.0.7', 'fd00::7'])
  assert.equal(names.undecided, false)
  assert.equal(changes(), 1)
})

test('a name is asked for again after 30 s ± 10 %, one question at a time', async () => {
  for (const [random, everyMs] of [
    [0, 0.9 * resolveEveryMs],
    [0.5, resolveEveryMs],
    [0.999, 1.0998 * resolveEveryMs],
  ] as const) {
    const { names, answer, asked, at } = resolver(random)
    names.keep(new Set(['app']))
    at(1e9)
    assert.equal(asked.length, 1, 'the first is still out')
    at(0)
    await answer(['10.0.0.1'])
    assert.equal(Math.round(names.dueAt), Math.round(everyMs))
    at(names.dueAt - 1)
    assert.equal(asked.length, 0)
    at(names.dueAt)
    assert.equal(asked.length, 1)
    assert.equal(names.dueAt, Number.POSITIVE_INFINITY)
  }
})

test('a look-up that fails keeps the old addresses, and says so once', async () => {
  const { names, answer, at, lines } = resolver()
  names.keep(new Set(['app']))
  await answer(['10.0.0.1'])
  for (let i = 0; i < 3; i++) {
    at(names.dueAt)
    await answer(i === 1 ? [] : notFound())
    assert.deepEqual(names.addressesOf('app'), ['10.0.0.1'])
  }
  assert.deepEqual(names.status(), [{ name: 'app', addresses: ['10.0.0.1'], failure: 'ENOTFOUND' }])
  at(names.dueAt)
  await answer(['10.0.0.1'])
  assert.deepEqual(lines, [
    'warn UPSTREAM_UNRESOLVED cannot resolve upstream name app (ENOTFOUND): 10.0.0.1 stays in use',
    'info UPSTREAM_RESOLVED upstream name app resolves again: 10.0.0.1',
  ])
})

test('after a failure it is asked for again soon, then less and less often', async () => {
  const { names, answer, at } = resolver()
  names.keep(new Set(['app']))
  let now = 0
  const waits: number[] = []
  const answers = [...Array.from({ length: 7 }, notFound), ['10.0.0.1'], notFound()]
  for (const one of answers) {
    await answer(one)
    waits.push(names.dueAt - now)
    now = names.dueAt
    at(now)
  }
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 1_000])
})

test('a name that does not resolve at the start is decided all the same', async () => {
  const { names, answer, lines } = resolver()
  names.keep(new Set(['app']))
  const decided = names.decided()
  await answer(notFound())
  await decided
  assert.equal(names.undecided, false)
  assert.deepEqual(lines, [
    'warn UPSTREAM_UNRESOLVED cannot resolve upstream name app (ENOTFOUND): no request goes there until it resolves',
  ])
})

test('new addresses are a line, the same ones in another order are not', async () => {
  const { names, answer, at, lines } = resolver()
  names.keep(new Set(['app']))
  await answer(['10.0.0.1', '10.0.0.2'])
  at(names.dueAt)
  await answer(['10.0.0.2', '10.0.0.1'])
  assert.deepEqual(lines, [])
  at(names.dueAt)
  await answer(['10.0.0.3'])
  assert.deepEqual(lines, ['info UPSTREAM_RESOLVED upstream name app has new addresses: 10.0.0.3'])
})

test('an answer for a name that was given up is dropped, and nobody waits for it', async () => {
  const { names, answer, changes } = resolver()
  names.keep(new Set(['app']))
  const decided = names.decided()
  names.keep(new Set())
  await decided
  await answer(['10.0.0.1'])
  assert.deepEqual(names.addressesOf('app'), [])
  assert.equal(changes(), 0)
  assert.equal(names.dueAt, Number.POSITIVE_INFINITY)
})

test('names that stay keep their addresses, and are not asked for again because of the others', async () => {
  const { names, answer, asked } = resolver()
  names.keep(new Set(['app']))
  await answer(['10.0.0.1'])
  names.keep(new Set(['app', 'other']))
  assert.deepEqual(
    asked.map(({ name }) => name),
    ['other'],
  )
  assert.deepEqual(names.addressesOf('app'), ['10.0.0.1'])
})
