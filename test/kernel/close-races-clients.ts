/**
 * Clients of `close-races-server.ts`, which they start: POSTs on reused connections, so spaced that
 * many meet the end of their connection. Prints what became of them beside what the server and the
 * kernel counted, as JSON. `close-races-clients.ts COUNT IDLE_MS LATE_MS PAUSE_MS COMMAND...`: gaps
 * are IDLE_MS and up to LATE_MS more.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { readCounter } from '../../src/kernel/layout.ts'
import { startProgram } from '../lib/program.ts'
import { portOf } from '../lib/server.ts'

const [count, idleMs, lateMs, pauseMs] = process.argv.slice(2, 6).map(Number) as [number, number, number, number]
const command = process.argv.slice(6)
const together = 80
const body = 'x'.repeat(100)
const post = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** `TCPAbortOnData`, and all RST that were sent. */
function counters() {
  const read = (name: string) => readFileSync(`/proc/net/${name}`, 'utf8')
  return {
    aborts: readCounter(read('netstat'), 'TcpExt', 'TCPAbortOnData')!,
    resets: readCounter(read('snmp'), 'Tcp', 'OutRsts')!,
  }
}

const before = counters()
const server = await startProgram(
  null,
  [...command, 'test/kernel/close-races-server.ts', String(idleMs), String(pauseMs)],
  { stdin: true },
)
const port = portOf(server.line)
const ask = async (): Promise<object> => JSON.parse(await server.say(''))

let left = count
let sent = 0
let answers = 0
let losses = 0
/** Nothing was sent on them: the server had hung up before. */
let ended = 0

interface Client {
  readonly socket: Socket
  gone: boolean
  readonly closed: Promise<unknown>
}

async function open(): Promise<Client> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true)
  await once(socket, 'connect')
  socket.on('error', () => {})
  const client: Client = { socket, gone: false, closed: new Promise((resolve) => socket.once('close', resolve)) }
  const over = () => {
    client.gone = true
  }
  socket.once('end', over).once('close', over)
  return client
}

/** Resolves to whether it was answered whole. */
function exchange({ socket, closed }: Client): Promise<boolean> {
  sent += 1
  return new Promise((resolve) => {
    let came = ''
    const onData = (bytes: Buffer) => {
      came += bytes.toString('latin1')
      if (!came.endsWith(`\r\n\r\n${body.length}\n`)) return
      socket.off('data', onData)
      if (!came.startsWith('HTTP/1.1 200 ') || /^connection: close/im.test(came)) throw new Error(came)
      resolve(true)
    }
    socket.on('data', onData)
    closed.then(() => resolve(false))
    socket.write(post)
  })
}

async function one(): Promise<void> {
  let client: Client | null = null
  while (left > 0) {
    if (client === null || client.gone) {
      client = await open()
      if (!(await exchange(client))) throw new Error('the first request of a connection was not answered')
      answers += 1
    }
    await delay(idleMs + Math.random() * lateMs)
    if (client.gone) {
      ended += 1
      continue
    }
    if (left === 0) break
    left -= 1
    if (await exchange(client)) answers += 1
    else losses += 1
  }
  client?.socket.destroy()
}

await Promise.all(Array.from({ length: together }, one))
await delay(500)
const after = counters()
console.log(
  JSON.stringify({
    sent,
    answers,
    losses,
    ended,
    aborts: after.aborts - before.aborts,
    resets: after.resets - before.resets,
    server: await ask(),
  }),
)
await server.kill()
