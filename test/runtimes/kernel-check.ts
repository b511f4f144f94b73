/**
 * Asks the kernel about real sockets through this runtime's FFI and prints what it said, as JSON:
 * for `kernel.test.ts`.
 */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import process from 'node:process'
import { openKernel } from '../../src/kernel/kernel.ts'
import { emptySnapshot, type Snapshot } from '../../src/kernel/layout.ts'
import type { Loaded } from '../../src/kernel/libc.ts'

const runtime = 'Bun' in globalThis ? 'bun' : 'deno'
const { loadLibc }: { loadLibc(): Loaded | Promise<Loaded> } = await import(`../../runtimes/${runtime}/libc.ts`)
const loaded = await loadLibc()
if (loaded.libc === null) {
  console.log(JSON.stringify({ why: loaded.why }))
  process.exit()
}
const kernel = openKernel(loaded.libc)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const ends: string[] = []

const accepted: Socket[] = []
const server = createServer((socket) => {
  accepted.push(socket)
  socket.on('error', () => {})
  socket.resume()
}).listen(0, '::')
await once(server, 'listening')
const { port } = server.address() as { port: number }
const ours = () => kernel.list().filter((fd) => kernel.cookie(fd) !== 0 && kernel.local(fd)?.port === port)
const [listener = -1] = ours()
const look = (fd: number): Snapshot | null => {
  const snapshot = emptySnapshot()
  return kernel.look(fd, snapshot) ? snapshot : null
}
const listening = {
  state: look(listener)?.state,
  keepAlive: kernel.keepAlive(listener, { afterMs: 5_000, everyMs: 1_000, probes: 3, userTimeoutMs: 40_000 }),
  acceptSilent: kernel.acceptSilent(listener),
  listen: kernel.listen(listener, 511),
}

const local = kernel.local(listener)

async function client(host: string): Promise<{ readonly socket: Socket; readonly fd: number }> {
  const before = new Set(ours())
  const socket = connect({ port, host })
  socket.on('error', ({ code }: NodeJS.ErrnoException) => ends.push(`${code}`))
  socket.on('end', () => ends.push('FIN'))
  await once(socket, 'connect')
  await sleep(100)
  return { socket, fd: ours().find((fd) => !before.has(fd)) ?? -1 }
}

const opensBefore = kernel.passiveOpens()
const four = await client('127.0.0.1')
const six = await client('::1')
const silent = look(four.fd)
const cookies = [kernel.cookie(four.fd), kernel.cookie(six.fd)]
kernel.watch(four.fd, 7)
const armed = [kernel.events(), kernel.events()]
four.socket.write('hello')
await sleep(60)
const stirred = [kernel.events(), kernel.events()]
const spoken = look(four.fd)

// The server reads no more: what comes stays in the receive queue.
for (const socket of accepted) socket.pause()
await sleep(20)
const said = kernel.say(six.fd, 'HTTP/1.1 408\r\n')
six.socket.once('data', (data) => ends.push(String(data).trim()))
await sleep(60)
const answered = look(six.fd)
kernel.finish(six.fd)
await sleep(60)
for (const socket of accepted) socket.resume()
await sleep(100)
kernel.reset(four.fd)
await sleep(100)
const gone = [kernel.cookie(four.fd)]
const shut = await client('127.0.0.1')
kernel.shut(shut.fd)
await sleep(100)
gone.push(kernel.cookie(shut.fd))

server.unref()
const vacated = [kernel.vacate(listener), kernel.local(listener), kernel.used(listener, 1).length]
const refusal = await new Promise((resolve) => {
  connect({ port, host: '127.0.0.1' })
    .on('connect', () => resolve('connected'))
    .on('error', ({ code }: NodeJS.ErrnoException) => resolve(code))
})

const used: number[] = []
for (let from = 0; from < 256; from += 64) used.push(...kernel.used(from, 64))
console.log(
  JSON.stringify({
    listening,
    local,
    names: [four.socket.localPort, six.socket.localPort],
    cookies,
    silent,
    armed,
    stirred,
    spoken,
    answered,
    said,
    ends,
    gone,
    vacated,
    refusal,
    used,
    listed: kernel.list().sort((a, b) => a - b),
    count: kernel.count(),
    lowestFree: kernel.lowestFree(),
    limit: kernel.limit(),
    opens: Number(kernel.passiveOpens()) - Number(opensBefore),
    aborts: kernel.abortsOnData(),
    status: kernel.read('/proc/self/status')?.includes('FDSize:'),
    nothing: kernel.read('/proc/self/nothing'),
    noSocket: [kernel.local(0), kernel.cookie(9_999)],
  }),
)
kernel.close()
process.exit()
