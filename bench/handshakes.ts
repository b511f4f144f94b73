/**
 * New TLS connections, one after the other (`openssl s_time`), without and with a session to
 * resume.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { type Contender, cpuSeconds, during, onLoadCore, type Server } from './process.ts'

export interface Handshakes {
  readonly name: string
  /** CPU time of the server for a connection with one small request. */
  readonly newMicros: number
  readonly resumedMicros: number
}

async function microsEach({ port, child }: Server, how: '-new' | '-reuse', seconds: number): Promise<number> {
  const before = cpuSeconds(child.pid!)
  const args = ['s_time', '-connect', `127.0.0.1:${port}`, how, '-time', String(seconds), '-www', '/']
  const [program = '', ...rest] = onLoadCore(['openssl', ...args])
  const { stdout } = await promisify(execFile)(program, rest)
  const [, connections = '0'] = /(\d+) connections in [\d.]+ real seconds/.exec(stdout) ?? []
  if (Number(connections) === 0) throw new Error(`bench: openssl s_time said\n${stdout}`)
  return ((cpuSeconds(child.pid!) - before) * 1e6) / Number(connections)
}

export async function handshakes(contenders: readonly Contender[], seconds: number): Promise<Handshakes[]> {
  const rows: Handshakes[] = []
  for (const contender of contenders) {
    rows.push(
      await during(contender, async (server) => {
        await microsEach(server, '-new', 1)
        return {
          name: contender.name,
          newMicros: await microsEach(server, '-new', seconds),
          resumedMicros: await microsEach(server, '-reuse', seconds),
        }
      }),
    )
  }
  return rows
}
