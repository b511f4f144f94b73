import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../lifecycle/clock.ts'
import { resolveOptions } from '../policy/resolve.ts'
import { type Application, applicationOf } from './application.ts'
import type { Fetch, ServeOptions } from './contract.ts'
import type { LogLine } from './log.ts'

const request = new Request('http://localhost/orders/7?secret=1', { method: 'PUT' })

function made(onError?: ServeOptions['onError'], app: Fetch = () => new Response()) {
  const lines: string[] = []
  const application = applicationOf(app, {
    policy: resolveOptions().policy,
    clock: systemClock,
    onError,
    log: { error: ({ message }: Omit<LogLine, 'count'>) => void lines.push(message) },
    onRefused: () => {},
  })
  return { application, lines }
}

const usedUp = async () => {
  const response = new Response('text')
  await response.text()
  return response
}
const locked = () => {
  const response = new Response(new ReadableStream())
  response.body?.getReader()
  return response
}
const throwing = {
  get status(): number {
    throw new Error('a getter')
  },
}

test('what is not a usable Response is a 500 and one line with method and path', async () => {
  const cases: [unknown, RegExp][] = [
    [undefined, /returned undefined, not a Response/],
    [null, /returned null/],
    ['secret text', /returned a string/],
    [404, /returned a number/],
    [{ status: 200 }, /an object of the class Object/],
    [Object.create(null), /an object of the class null/],
    [Response.error(), /Response\.error\(\)/],
    [await usedUp(), /already used/],
    [locked(), /locked/],
    [throwing, /a getter/],
    [{ status: 42, headers: [], body: null }, /range/i],
  ]
  for (const [returned, said] of cases) {
    const { application, lines } = made()
    const response = application.responseOf(returned, request)
    assert.equal(response.status, 500)
    assert.equal(await response.text(), 'Internal Server Error\n')
    assert.equal(lines.length, 1, `${said}`)
    assert.match(lines[0]!, said)
    assert.match(lines[0]!, /^PUT \/orders\/7: /)
    assert.doesNotMatch(lines[0]!, /secret/)
  }
})

test('a request that the application has made useless is reported all the same, and nothing throws', () => {
  const defaced = new Request('http://localhost/')
  Object.defineProperty(defaced, 'url', { get: () => throwing.status })
  const bare = Object.setPrototypeOf(new Request('http://localhost/'), null)
  for (const given of [defaced, bare]) {
    const { application, lines } = made()
    assert.equal(application.responseToError(new Error('mine'), given).status, 500)
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, /^a request that no longer says its method and URL: .*mine/)
  }
})

test('a Response goes through untouched, also one of another class', async () => {
  const { application, lines } = made()
  const own = new Response('own')
  assert.equal(application.responseOf(own, request), own)
  async function* pieces() {
    yield new TextEncoder().encode('pie')
    yield new TextEncoder().encode('ces')
  }
  const foreign = { status: 201, statusText: 'Made', headers: new Map([['x-a', 'b']]), body: pieces() }
  const taken = application.responseOf(foreign, request)
  assert.deepEqual(
    [taken.status, taken.statusText, taken.headers.get('x-a'), await taken.text()],
    [201, 'Made', 'b', 'pieces'],
  )
  assert.deepEqual(lines, [])
})

test('an error answers with the response that it brings, and then nobody is told', async () => {
  const { application, lines } = made()
  const error = Object.assign(new Error('no'), { getResponse: () => new Response('mine', { status: 418 }) })
  assert.equal(application.responseToError(error, request).status, 418)
  assert.deepEqual(lines, [])
})

test('an error whose getResponse gives anything else is a 500, and told once', () => {
  const bad: unknown[] = ['text', null, { status: 400 }]
  for (const given of bad) {
    const { application, lines } = made()
    const error = Object.assign(new Error('the cause'), { getResponse: () => given })
    assert.equal(application.responseToError(error, request).status, 500)
    assert.deepEqual([lines.length, /the cause/.test(lines[0]!)], [1, true])
  }
  for (const error of [
    undefined,
    null,
    'text',
    0,
    Object.create(null),
    {
      getResponse() {
        throw new Error('in getResponse')
      },
    },
    {
      get getResponse() {
        throw new Error('in a getter')
      },
    },
    // Unhandled, it would fail this file.
    { getResponse: () => Promise.reject(new Error('in getResponse')) },
  ]) {
    const { application, lines } = made()
    assert.equal(application.responseToError(error, request).status, 500)
    assert.equal(lines.length, 1)
  }
})

test('onError takes the place of the log; one that fails itself is logged, and harms nobody', async () => {
  const told: unknown[] = []
  const { application, lines } = made((error, { method }) => void told.push(error, method))
  const error = new Error('x')
  application.report(error, request)
  assert.deepEqual([told, lines], [[error, 'PUT'], []])

  const throws = made(() => {
    throw new Error('second')
  })
  const rejects = made(async () => {
    throw new Error('second')
  })
  for (const { application } of [throws, rejects]) application.report(error, request)
  await new Promise(setImmediate)
  for (const { lines } of [throws, rejects]) {
    assert.match(lines.join('\n'), /Error: x[\s\S]*onError failed[\s\S]*caused by Error: second/)
  }
})

test('a promise of any class is waited for', async () => {
  // biome-ignore lint/suspicious/noThenProperty: a promise of another class is what this is about
  const thenable = { then: (resolve: (value: string) => void) => resolve('later') }
  const ask = (app: unknown): unknown =>
    (made(undefined, app as Fetch).application satisfies Application).ask(request, {})
  assert.equal(await (ask(() => thenable) as Promise<unknown>), 'later')
  assert.ok(ask(() => thenable) instanceof Promise)
})
