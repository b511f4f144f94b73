/** Other people's servers that leak, each under `ulimit -n`, for rescue to free. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { withoutGevent, withoutGunicorn } from '../gateway/python.ts'
import { type Program, startProgram } from '../lib/program.ts'
import { root, runtimeCommands, withDescriptors } from '../lib/runtimes.ts'
import type { Port } from '../lib/server.ts'

const python = '/usr/bin/python3'
const backends = `${root}test/fixtures/backends/`
const fixtures = `${root}test/fixtures/rescue/`

export interface Leaky {
  readonly name: string
  readonly skip: string | false
  command(): readonly string[]
  /** Idle connections after which nobody else is answered. */
  readonly fill: number
  /** It counts what it executes, and says so on SIGTERM. */
  readonly counts: boolean
  /**
   * Its workers are held by clients that never speak; those that are idle it closes itself when it
   * has too many.
   */
  readonly fillSilently?: true
  /** A server that exits without descriptors is filled to just below. */
  readonly stopsShort?: true
}

const go = ['go', '/usr/lib/go/bin/go'].find((path) => spawnSync(path, ['version']).status === 0)

function goServer(): string {
  const built = join(mkdtempSync(join(tmpdir(), 'hangup-')), 'server')
  const { status, stderr } = spawnSync(go!, ['build', '-o', built, `${fixtures}server.go`], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`go build: ${stderr}`)
  return built
}

const most = 256

/** Out of descriptors. */
export const leaky: readonly Leaky[] = [
  {
    name: 'gevent.pywsgi',
    skip: withoutGevent,
    command: () => [python, '-B', `${backends}gevent_server.py`],
    fill: most,
    counts: true,
  },
  {
    name: 'gunicorn with threads',
    skip: withoutGunicorn,
    command: () => [python, '-B', `${fixtures}gthread.py`, '1000', '64'],
    // Its worker does not live through a failed accept.
    fill: 180,
    counts: false,
    stopsShort: true,
  },
  {
    name: 'Node with keepAliveTimeout 0',
    skip: false,
    command: () => [...runtimeCommands.node, `${fixtures}server.node.ts`],
    fill: most,
    counts: true,
  },
  {
    name: 'Deno.serve',
    skip: false,
    command: () => [...runtimeCommands.deno, `${fixtures}server.deno.ts`],
    fill: 150,
    counts: true,
    stopsShort: true,
  },
  {
    name: 'net/http of Go',
    skip: go === undefined ? 'NOT TESTED: there is no go; apt-get install golang-go' : false,
    command: () => [goServer()],
    fill: most,
    counts: true,
  },
]

/** Out of workers, with descriptors to spare. */
export const pools: readonly Leaky[] = [
  {
    name: 'gevent.pywsgi with a pool of 32',
    skip: withoutGevent,
    command: () => [python, '-B', `${fixtures}gevent_pool.py`, backends],
    fill: 40,
    counts: false,
  },
  {
    name: 'gunicorn with threads and 32 connections',
    skip: withoutGunicorn,
    command: () => [python, '-B', `${fixtures}gthread.py`, '32', '16'],
    fill: 40,
    counts: false,
    fillSilently: true,
  },
]

export async function start(t: Pick<TestContext, 'after'>, { command }: Leaky): Promise<Program & Port> {
  const program = await startProgram(t, withDescriptors(most, command()), { cwd: backends })
  return { ...program, port: Number(program.line) }
}
