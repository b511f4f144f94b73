import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { describe, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { deferred } from '../deferred.ts'
import type { LogLine } from './log.ts'
import { onSignals, type SignalOptions } from './signals.ts'

function setUp(options: SignalOptions = {}, cut = 0) {
  const emitter = new EventEmitter()
  const calls: string[] = []
  const lines: LogLine[] = []
  let at = 0
  let drained = (_: { cut: number }) => {}
  const closed = deferred<{ cut: number }>()
  const running = {
    closed: closed.promise,
    drain: (how?: { announce?: boolean }) => {
      calls.push(`drain announce=${how?.announce}`)
      return new Promise<{ cut: number }>((resolve) => {
        drained = resolve
      })
    },
    kill: async () => {
      calls.push('kill')
      drained({ cut })
      return { cut }
    },
  }
  const off = onSignals(running, {
    process: emitter as unknown as NonNullable<SignalOptions['process']>,
    exit: (status) => void calls.push(`exit ${status}`),
    log: (line) => void lines.push(line),
    atTerminal: false,
    now: () => at,
    ...options,
  })
  const signal = (name: string, afterMs = 1_000) => {
    at += afterMs
    emitter.emit(name, name)
  }
  const handlers = () => emitter.listenerCount('SIGTERM') + emitter.listenerCount('SIGINT')
  const endByHand = () => closed.resolve({ cut })
  return { calls, lines, signal, off, handlers, end: () => drained({ cut }), endByHand }
}

describe('onSignals', () => {
  test('drains at the first signal and exits 0 when all was answered', async () => {
    const { calls, lines, signal, end, handlers } = setUp()
    signal('SIGTERM')
    await turn()
    assert.deepEqual(calls, ['drain announce=true'])
    end()
    await turn()
    assert.deepEqual(calls, ['drain announce=true', 'exit 0'])
    assert.deepEqual(lines, [])
    assert.equal(handlers(), 0)
  })

  test('exits in the same way when an operator has drained it, and once', async () => {
    const { calls, signal, endByHand, handlers } = setUp({}, 1)
    endByHand()
    await turn()
    assert.deepEqual(calls, ['exit 1'])
    assert.equal(handlers(), 0)
    signal('SIGTERM')
    assert.deepEqual(calls, ['exit 1'])

    const both = setUp()
    both.signal('SIGTERM')
    both.end()
    both.endByHand()
    await turn()
    assert.deepEqual(both.calls, ['drain announce=true', 'exit 0'])
  })

  test('exits 1 when something was cut, and logs how many', async () => {
    const { calls, lines, signal, end } = setUp({}, 3)
    signal('SIGTERM')
    end()
    await turn()
    assert.equal(calls.at(-1), 'exit 1')
    assert.deepEqual(
      lines.map(({ code, count }) => ({ code, count })),
      [{ code: 'DRAIN_CUT', count: 3 }],
    )
  })

  test('cuts at a second signal and exits 128 + its number, once', async () => {
    for (const [second, status] of [
      ['SIGTERM', 143],
      ['SIGINT', 130],
    ] as const) {
      const { calls, lines, signal } = setUp({}, 1)
      signal('SIGTERM')
      signal(second)
      signal(second)
      await turn()
      assert.deepEqual(calls, ['drain announce=true', 'kill', `exit ${status}`])
      assert.equal(lines.length, 1)
    }
  })

  test('takes the same signal at once again as the same wish, another one as a second', async () => {
    const twice = setUp()
    twice.signal('SIGINT')
    twice.signal('SIGINT', 50)
    await turn()
    assert.deepEqual(twice.calls, ['drain announce=true'])
    const both = setUp()
    both.signal('SIGINT')
    both.signal('SIGTERM', 50)
    await turn()
    assert.deepEqual(both.calls, ['drain announce=true', 'kill', 'exit 143'])
  })

  test('skips the announcement for Ctrl-C at a terminal only', () => {
    const ctrlC = setUp({ atTerminal: true })
    ctrlC.signal('SIGINT')
    assert.deepEqual(ctrlC.calls, ['drain announce=false'])
    const term = setUp({ atTerminal: true })
    term.signal('SIGTERM')
    assert.deepEqual(term.calls, ['drain announce=true'])
  })

  test('without exit it ends nothing but its own handlers', async () => {
    const { exit: _, ...options } = { exit: undefined }
    const { calls, signal, handlers } = setUp({ ...options, exit: undefined as never })
    assert.equal(handlers(), 2)
    signal('SIGTERM')
    signal('SIGTERM')
    await turn()
    assert.deepEqual(calls, ['drain announce=true', 'kill'])
    assert.equal(handlers(), 0)
  })

  test('lives where SIGTERM cannot be listened for', () => {
    const listening: string[] = []
    const windows = {
      on(signal: string) {
        if (signal === 'SIGTERM') throw new TypeError('Windows only supports ctrl-c')
        listening.push(signal)
      },
      off() {},
    }
    const { lines } = setUp({ process: windows as unknown as NonNullable<SignalOptions['process']> })
    assert.deepEqual(listening, ['SIGINT'])
    assert.equal(lines[0]?.code, 'SIGNAL_UNAVAILABLE')
  })

  test('off() takes the handlers away', () => {
    const { off, handlers } = setUp()
    off()
    assert.equal(handlers(), 0)
  })
})

test('the log says when the drain begins, with what is in flight, and how it ended', async () => {
  for (const [atTerminal, again] of [
    [true, 'Ctrl-C again to cut'],
    [false, 'a second signal cuts'],
  ] as const) {
    const { lines, signal, end } = setUp({ atTerminal, inFlight: () => 3 }, 1)
    signal('SIGINT')
    assert.deepEqual(lines, [
      { level: 'info', code: 'DRAINING', message: `draining: 3 requests in flight, ${again}`, count: 1 },
    ])
    end()
    await turn()
    assert.deepEqual(
      lines.slice(1).map(({ code, message }) => `${code}: ${message}`),
      ['DRAIN_CUT: drainTimeoutMs cut a request', 'DRAINED: drained in 0.0 s, 1 cut'],
    )
  }
})
