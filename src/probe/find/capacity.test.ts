import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { besideRun, capacityOf } from './capacity.ts'
import { listeningOn } from './preflight.ts'

const servers: Server[] = []
const sockets = new Set<Socket>()
after(() => {
  for (const server of servers) server.close()
  for (const socket of sockets) socket.destroy()
})

/** Reads from so many connections at a time, each until it has ended. */
async function serving(atOnce: number) {
  const waiting: Socket[] = []
  let busy = 0
  const next = () => {
    const socket = busy < atOnce ? waiting.shift() : undefined
    if (!socket) return
    busy += 1
    let text = ''
    socket.on('data', (chunk) => {
      text += String(chunk)
      if (text.endsWith('\r\n\r\n')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi')
    })
    socket.once('close', () => {
      busy -= 1
      next()
    })
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    waiting.push(socket)
    next()
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: false }
}

test('a server that serves one client at a time is full with one that is silent', async () => {
  const [one, three, many] = await Promise.all(
    [1, 3, 1_000].map(async (atOnce) => capacityOf(await serving(atOnce), '/', 16, 300)),
  )
  assert.deepEqual(one, { beside: 0, full: 1 })
  assert.deepEqual(three, { beside: 2, full: 4 })
  assert.deepEqual(many, { beside: 16, full: null })
  assert.match(
    besideRun({ beside: 0, full: 1 }).reason ?? '',
    /^with one client stopped in a head, nobody else was answered/,
  )
  assert.equal(besideRun({ beside: 16, full: null }).verdict, 'pass')
})

test('what held it is let go of, and it serves again', async () => {
  const address = await serving(1)
  await capacityOf(address, '/', 4, 200)
  const response = await fetch(`http://127.0.0.1:${address.port}/`)
  assert.equal(await response.text(), 'hi')
})

test('of the addresses of a host the one is taken that somebody listens on', async () => {
  const address = await serving(1)
  assert.equal(await listeningOn(['127.0.0.2', '127.0.0.1'], address), '127.0.0.1')
  await assert.rejects(listeningOn(['127.0.0.2'], address), /nothing listens there/)
})
