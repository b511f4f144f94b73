/**
 * How long a look at a server with many connections takes: `npx node bench/rescue.ts
 * [connections]`, on Bun and Deno.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const count = Number(process.argv[2] ?? 10_000)
const rounds = 7
const root = fileURLToPath(new URL('..', import.meta.url))
const bin = `${root}node_modules/.bin/`

const server = spawn(`${bin}node`, [`${root}test/fixtures/rescue/server.node.ts`], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const [line] = await once(createInterface(server.stdout), 'line')
const port = Number(line)
const sockets: Socket[] = []
for (let i = 0; i < count; i += 100) {
  const some = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'))
  await Promise.all(some.map((socket) => once(socket, 'connect')))
  sockets.push(...some)
}
console.log(`| runtime | connections | median ms | slowest ms |\n| --- | --- | --- | --- |`)
for (const command of [[`${bin}bun`], [`${bin}deno`, 'run', '-A']]) {
  const [program = '', ...args] = command
  const took = Array.from({ length: rounds }, () => {
    const flags = ['rescue', '--port', String(port), '--dry-run', '--json']
    return JSON.parse(execFileSync(program, [...args, `${root}src/cli.ts`, ...flags], { encoding: 'utf8' })).tookMs
  }).sort((a, b) => a - b)
  console.log(`| ${program.slice(bin.length)} | ${count} | ${took[rounds >> 1]} | ${took.at(-1)} |`)
}
for (const socket of sockets) socket.destroy()
server.kill()
