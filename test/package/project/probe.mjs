/** A test of somebody else's: the probe as a library, against a server of its own. */
import assert from 'node:assert/strict'
import { serve } from 'hangup'
import { probe, redIn, toText } from 'hangup/probe'

const expect = { idleTimeoutMs: 1_000 }
const server = await serve(() => new Response('hello'), { port: 0, host: '127.0.0.1', ...expect })
const report = await probe(server.url, { expect, cases: ['idle-after-response'], limitMs: 5_000 })
await server.close()
assert.deepEqual(
  report.cells.map(({ case: id, verdict }) => `${id} ${verdict}`),
  ['idle-after-response pass'],
  toText(report, 80),
)
assert.equal(redIn(report.counts), 0)
console.log('fine')
