/**
 * Frames, right and wrong, to an echo of Hono's on each engine, and through a gateway: what RFC
 * 6455 asks of a server, as the Autobahn test suite groups it.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startGateway } from '../gateway/process.ts'
import { suiteLifetime } from '../lib/program.ts'
import { type RuntimeName, runtimeCommands, runtimeNames } from '../lib/runtimes.ts'
import { type Port, startListener } from '../lib/server.ts'
import { type Case, groups } from './cases.ts'
import { deviations } from './deviations.ts'
import { judge } from './judge.ts'

const app = new URL('app.ts', import.meta.url).href

/** Connections at once to one server. */
const sideBySide = 8

async function judgeAll(port: number, cases: readonly Case[]): Promise<Record<string, string>> {
  const wrong: Record<string, string> = {}
  const left = [...cases]
  const next = async () => {
    for (let played = left.shift(); played !== undefined; played = left.shift()) {
      const what = await judge(port, played)
      if (what !== null) wrong[played.id] = what
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, next))
  return wrong
}

const isNamed = (id: string) => (name: string) => (name.endsWith('*') ? id.startsWith(name.slice(0, -1)) : id === name)

/** What is known to be so; of what can be so in several ways the one that was seen. */
function known(runtime: RuntimeName, cases: readonly Case[], seen: Readonly<Record<string, string>>) {
  const entries = cases.flatMap(({ id }) => {
    const deviation = deviations.find(({ on, cases }) => on === runtime && cases.some(isNamed(id)))
    if (deviation === undefined) return []
    const ways = [deviation.sees].flat()
    return [[id, ways.find((way) => way === seen[id]) ?? ways[0]]]
  })
  return Object.fromEntries(entries)
}

const engines = runtimeNames.flatMap((runtime) => ['native', 'hangup'].map((engine) => ({ runtime, engine })))

describe('WebSockets keep to RFC 6455', { concurrency: engines.length + 1 }, () => {
  const lifetime = suiteLifetime()
  const places: { name: string; runtime: RuntimeName; start(): Promise<Port> }[] = engines.map(
    ({ runtime, engine }) => ({
      name: `${runtime}, ${engine} engine`,
      runtime,
      start: () => startListener(lifetime, runtimeCommands[runtime], { app, engine }),
    }),
  )
  places.push({
    name: 'through a gateway',
    runtime: 'node',
    async start() {
      const backend = await startListener(lifetime, runtimeCommands.node, { app, engine: 'native' })
      return startGateway(lifetime, 'node', [backend])
    },
  })
  for (const { name, runtime, start } of places) {
    describe(name, { concurrency: 1 }, () => {
      let started: Promise<Port> | null = null
      for (const [group, cases] of Object.entries(groups)) {
        test(group, async () => {
          started ??= start()
          const { port } = await started
          const wrong = await judgeAll(port, cases)
          assert.deepEqual(wrong, known(runtime, cases, wrong))
        })
      }
    })
  }
})
