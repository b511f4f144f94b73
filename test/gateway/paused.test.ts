/**
 * A gateway whose process stands still (SIGSTOP, as a blocked event loop): nobody is blamed for
 * what was in the sockets in time.
 */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { onEachRuntime } from '../lib/runtimes.ts'
import { ask } from './clients.ts'
import { startGateway } from './process.ts'
import { rawBackend } from './raw-backend.ts'

const limits = ['--upstream-first-byte-timeout', '800ms', '--upstream-read-timeout', '800ms', '--body-timeout', '800ms']
const pauseMs = 2_500

onEachRuntime('after a pause of a gateway', (name) => {
  test('answers that came meanwhile are passed on, uploads that came are whole, and what never came is late', async (t) => {
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
      '/upload': ({ socket, body }) => {
        const whole = () => {
          if (body().includes('end')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
          else setTimeout(whole, 10)
        }
        whole()
      },
    })
    const gateway = await startGateway(t, name, [backend], limits)
    assert.equal((await ask(gateway.port, '/later')).body, 'ok')
    const upload = async () => {
      const { promise, resolve, reject } = Promise.withResolvers<number>()
      const sent = request({ host: '127.0.0.1', port: gateway.port, path: '/upload', method: 'POST' }, (answer) => {
        answer.resume()
        resolve(answer.statusCode ?? 0)
      })
      sent.once('error', reject).write('beginning')
      await sleep(300)
      sent.end('end')
      return promise
    }
    const ten = <T>(what: () => Promise<T>) => Promise.all(Array.from({ length: 10 }, what))
    const asked = [ten(() => ask(gateway.port, '/later')), ten(() => ask(gateway.port, '/goes-on'))]
    const uploads = ten(upload)
    const never = ask(gateway.port, '/never')
    await sleep(150)
    gateway.signal('SIGSTOP')
    await sleep(pauseMs)
    gateway.signal('SIGCONT')
    const statuses = (await Promise.all(asked)).flat().map(({ status }) => status)
    assert.deepEqual([...new Set(statuses)], [200])
    assert.deepEqual([...new Set(await uploads)], [200])
    assert.equal((await never).status, 504)
  })
})
