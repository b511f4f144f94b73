/** A gateway whose process stands still (SIGSTOP, as a blocked event loop): nobody is blamed for what was in the sockets in time. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, sleep } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'
import { onEachRuntime } from './runtimes.ts'

const limits = ['--upstream-first-byte-timeout', '800ms', '--upstream-read-timeout', '800ms']
const pauseMs = 2_500

onEachRuntime('after a pause of a gateway', (name) => {
  test('answers that came meanwhile are passed on, and what never came is late', async (t) => {
    const backend = await rawBackend(t, {
      '/later': async ({ socket }) => {
        await sleep(300)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      },
      '/goes-on': async ({ socket }) => {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf`)
        await sleep(300)
        socket.write('half')
      },
      '/never': () => {},
    })
    const gateway = await startGateway(t, name, [backend], limits)
    assert.equal((await ask(gateway.port, '/later')).body, 'ok')
    const ten = <T>(what: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, what))
    const asked = [ten(() => ask(gateway.port, '/later')), ten(() => ask(gateway.port, '/goes-on'))]
    const never = ask(gateway.port, '/never')
    await sleep(150)
    gateway.signal('SIGSTOP')
    await sleep(pauseMs)
    gateway.signal('SIGCONT')
    const statuses = (await Promise.all(asked)).flat().map(({ status }) => status)
    assert.deepEqual([...new Set(statuses)], [200])
    assert.equal((await never).status, 504)
  })
})
