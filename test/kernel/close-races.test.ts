/**
 * Requests that meet the end of their idle connection, counted by all sides: whoever the client
 * lost a request to says so. Linux. The kernel's counter is the network namespace's, so they have
 * one of their own where that is allowed.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { run } from '../lib/program.ts'
import { runtimeCommands } from '../lib/runtimes.ts'

const skip = process.platform !== 'linux' && 'the kernel ledger needs Linux'
const apart = ['unshare', '--user', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
const alone = spawnSync(apart[0]!, [...apart.slice(1), 'true']).status === 0

const idleMs = 300
/** A sweep is due every 50 ms. */
const lateMs = 50

interface Counted {
  readonly sent: number
  readonly answers: number
  readonly losses: number
  /** Ended before anything was sent. */
  readonly ended: number
  readonly aborts: number
  readonly server: {
    readonly executed: number
    readonly requests: number
    readonly closeRaces: number
    readonly abortsOnData: number
  }
}

async function meet(command: readonly string[], requests: number, pauseMs: number): Promise<Counted> {
  const numbers = [requests, idleMs, lateMs, pauseMs].map(String)
  const clients = [process.execPath, 'test/kernel/close-races-clients.ts', ...numbers, ...command]
  const { stdout } = await run(null, alone ? [...apart, ...clients] : clients)
  return JSON.parse(stdout)
}

function agree({ sent, answers, losses, ended, aborts, server }: Counted): void {
  const { executed, requests, closeRaces, abortsOnData } = server
  const all = JSON.stringify({ sent, answers, losses, ended, aborts, server })
  assert.equal(answers + losses, sent, all)
  assert.equal(executed, requests, all)
  assert.equal(executed, answers + closeRaces, all)
  if (alone) assert.deepEqual({ losses, abortsOnData }, { losses: closeRaces + aborts, abortsOnData: aborts }, all)
  else assert.ok(losses - closeRaces <= abortsOnData && abortsOnData <= aborts, all)
}

// Each has a network of its own, and hardly anything to do.
describe('requests that meet the end of their connection', { concurrency: alone }, () => {
  for (const runtime of ['deno', 'bun'] as const) {
    test(`${runtime}: of 2,000 requests at the limit every one lost is counted, here or by the kernel`, {
      skip,
    }, async () => {
      const counted = await meet(runtimeCommands[runtime], 2_000, 0)
      agree(counted)
      assert.ok(counted.ended > 0, 'none met its limit')
    })

    test(`${runtime}: a request that came between the look and the end was executed, and counted`, {
      skip,
    }, async () => {
      const counted = await meet(runtimeCommands[runtime], 500, 3)
      agree(counted)
      assert.ok(counted.server.closeRaces > 0, 'none came just then')
    })
  }
})
