/**
 * What an open WebSocket and a message of 100 bytes, echoed, cost a server, on every engine:
 * `npm run bench:websockets -- --count 300 --messages 500`.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Lifetime } from '../test/lib/program.ts'
import { type RuntimeName, runtimeCommands, runtimeNames } from '../test/lib/runtimes.ts'
import { startListener } from '../test/lib/server.ts'
import { cpuMsOf, descriptorsOf, residentBytesOf } from '../test/lib/sockets.ts'
import { encode, opcodes, WebSocketClient } from '../test/websockets/frames.ts'
import { flagsOf, positive } from './flags.ts'

const values = flagsOf({
  count: { type: 'string', default: '300' },
  messages: { type: 'string', default: '500' },
  rounds: { type: 'string', default: '2' },
})
const count = positive('count', values.count)
const messages = positive('messages', values.messages)
const rounds = positive('rounds', values.rounds)

const talking = 20
const warmUp = 50
const app = new URL('../test/websockets/app.ts', import.meta.url).href
const message = encode({ opcode: opcodes.binary, payload: Buffer.alloc(100, 7) })

async function opened(port: number): Promise<WebSocketClient> {
  const client = new WebSocketClient(port).ask()
  await client.until(() => client.switched, 20_000)
  return client
}

async function someOpened(port: number, many: number): Promise<WebSocketClient[]> {
  const clients: WebSocketClient[] = []
  // A few at a time: a full accept queue is another thing to measure.
  while (clients.length < many) {
    const next = Math.min(talking, many - clients.length)
    clients.push(...(await Promise.all(Array.from({ length: next }, () => opened(port)))))
  }
  return clients
}

/** One message after the other. */
async function talk(client: WebSocketClient, times: number): Promise<void> {
  for (let time = 0; time < times; time++) {
    const frames = client.frames.length
    client.send(message)
    await client.until(() => client.frames.length > frames, 20_000)
  }
}

async function measured(life: Lifetime, runtime: RuntimeName, engine: string): Promise<string> {
  const { port, pid } = await startListener(life, runtimeCommands[runtime], { app, engine })
  const talkers = await someOpened(port, talking)
  await Promise.all(talkers.map((client) => talk(client, warmUp)))
  const before = { bytes: residentBytesOf(pid), descriptors: descriptorsOf(pid) }
  const quiet = await someOpened(port, count)
  await sleep(500)
  const kilobytes = (residentBytesOf(pid) - before.bytes) / 1024 / count
  const descriptors = (descriptorsOf(pid) - before.descriptors) / count
  for (const client of quiet) client.destroy()
  await sleep(500)
  const fromMs = cpuMsOf(pid)
  await Promise.all(talkers.map((client) => talk(client, messages)))
  const microseconds = ((cpuMsOf(pid) - fromMs) * 1_000) / messages / talking
  for (const client of talkers) client.destroy()
  return `${kilobytes.toFixed(0)} KB and ${descriptors.toFixed(1)} descriptors each, ${microseconds.toFixed(0)} µs of CPU a message`
}

for (let round = 0; round < rounds; round++) {
  for (const runtime of runtimeNames) {
    for (const engine of ['native', 'hangup']) {
      const ends: (() => unknown)[] = []
      const result = await measured({ after: (end) => ends.push(end) }, runtime, engine)
      console.log(`${runtime.padEnd(4)} ${engine.padEnd(6)} ${result}`)
      for (const end of ends) await end()
    }
  }
}
process.exit()
