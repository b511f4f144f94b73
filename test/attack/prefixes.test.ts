/** Clients that go at a random byte, on every engine: the process lives, the next client is served, and nothing is left of them. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { runtimeCommands, startListener } from '../fixtures/start.ts'
import { randomFrom } from './lying-backend.ts'
import { type Attacked, attackWith, endings, faultsAfter, layers, restOf } from './prefixes.ts'

const long = process.env['ATTACK'] === 'long'
const clients = long ? 1_000 : 60
const seed = Number(process.env['ATTACK_SEED'] ?? Date.now() % 1e9)

const limitMs = 1_000
const limits = {
  handshakeTimeoutMs: limitMs,
  headTimeoutMs: limitMs,
  bodyTimeoutMs: limitMs,
  writeTimeoutMs: limitMs,
  idleTimeoutMs: limitMs,
  discardTimeoutMs: limitMs,
}
/** One limit may come behind another, and an orderly end behind both. Under `Bun.serve` its own clock ends who says nothing at first. */
const goneWithinMs = 6 * limitMs
const bunsOwnMs = 16_000

const certificate = {
  cert: readFileSync('test/fixtures/tls/cert.pem', 'utf8'),
  key: readFileSync('test/fixtures/tls/key.pem', 'utf8'),
}

describe(`at a random byte (ATTACK_SEED=${seed})`, { concurrency: 6 }, () => {
  for (const [runtime, command] of Object.entries(runtimeCommands)) {
    for (const engine of ['hangup', 'native']) {
      for (const layer of layers) {
        test(`clients of ${layer.name} leave nothing behind on the ${engine} engine on ${runtime}`, async (t) => {
          const random = randomFrom(seed)
          const tls = layer.secure ? { tls: { certificates: [certificate] } } : {}
          const listening = await startListener(t, command, { engine, ...limits, ...tls })
          const { child, port } = listening
          const server: Attacked = {
            port,
            pid: child.pid!,
            open: async () => JSON.parse(await listening.say('connections')).open,
          }
          const before = await restOf(server, layer)
          const withinMs = engine === 'native' && runtime === 'bun' ? bunsOwnMs : goneWithinMs
          for (const ending of endings) {
            const { letGo } = await attackWith(server, layer, ending, clients, random)
            t.after(letGo)
            const faults = await faultsAfter(server, layer, before, withinMs)
            assert.deepEqual(faults, [], `${ending}: ${await listening.say('connections')}`)
            letGo()
          }
          assert.equal(child.exitCode, null, listening.stderr())
        })
      }
    }
  }
})
