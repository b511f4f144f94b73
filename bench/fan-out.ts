/** Server-sent events to a thousand clients, one event a second each: what that costs the server, and whether every event arrives. */
import { connect, type Socket } from 'node:net'
import { type Contender, cpuSeconds, start } from './compare.ts'

const clients = 1_000
const seconds = 10

export async function fanOut(contenders: readonly Contender[]): Promise<string> {
  const lines = [
    `| server, ${clients.toLocaleString('en')} event streams | CPU % of a core | events a client in ${seconds} s, least – most |`,
    '| --- | --- | --- |',
  ]
  for (const contender of contenders) {
    const { port, child } = await start(contender)
    const sockets: Socket[] = []
    const counts = new Array<number>(clients).fill(0)
    for (let i = 0; i < clients; i++) {
      const socket = connect(port, '127.0.0.1').on('error', () => {})
      socket.on('data', (bytes) => {
        counts[i]! += bytes.toString('latin1').split('data: ').length - 1
      })
      socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
      sockets.push(socket)
    }
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    counts.fill(0)
    const before = cpuSeconds(child.pid!)
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
    const cpu = ((cpuSeconds(child.pid!) - before) / seconds) * 100
    lines.push(`| ${contender.name} | ${cpu.toFixed(1)} | ${Math.min(...counts)} – ${Math.max(...counts)} |`)
    for (const socket of sockets) socket.destroy()
    child.kill('SIGKILL')
  }
  return lines.join('\n')
}
