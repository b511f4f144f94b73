import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { cases } from '../../src/probe/cases/index.ts'
import { problemOf, questions } from '../../src/probe/find/discover.ts'
import { type Cell, type Limit, makeReport, serverNamed } from '../../src/probe/reports/report.ts'
import { type Asked, fileOf, nameOf } from './ask.ts'
import { peers } from './index.ts'
import { matrix } from './matrix.ts'
import type { Peer, Variant } from './peer.ts'
import { start, versionOf } from './start.ts'

const places = ['port', 'origin', 'tmp', 'apps', 'bin', 'tools']
const all = peers.flatMap((peer) => peer.variants.map((variant) => ({ peer, variant })))

test('every variant has a name and a file of its own', () => {
  assert.equal(new Set(all.map(nameOf)).size, all.length)
  assert.equal(new Set(all.map(fileOf)).size, all.length)
  assert.ok(all.every(({ peer, variant }) => /^[\w.-]+$/.test(fileOf({ peer, variant }))))
})

test('every peer is there as it comes; what was set says who recommends it, or what it cures', () => {
  for (const { name, variants } of peers) assert.equal(variants[0]?.name, 'stock', name)
  for (const { variant } of all.slice(1)) {
    assert.ok(variant.name === 'stock' || variant.source || variant.what.includes('cure'), variant.what)
  }
})

test('a peer names only places that are filled, and cases that there are', () => {
  const asked = new Set(questions.map((question) => question.case))
  for (const { variant } of all) {
    for (const text of [...variant.argv, ...Object.values(variant.env ?? {})]) {
      for (const [, name = ''] of text.matchAll(/\{(\w+)\}/g)) assert.ok(places.includes(name), text)
    }
    assert.ok([...variant.argv, ...Object.values(variant.files ?? {})].some((text) => text.includes('{port}')))
    for (const id of Object.keys(variant.later ?? {})) assert.ok(asked.has(id), id)
  }
  for (const id of peers.flatMap(({ kills = {} }) => Object.keys(kills))) {
    assert.ok(
      cases.some((theCase) => theCase.id === id),
      id,
    )
  }
})

test('what is not installed has no version', async () => {
  assert.equal(await versionOf({ version: ['/nowhere/server', '--version'] } as unknown as Peer), null)
  assert.equal(
    await versionOf({ version: ['{bin}/node', '-p', '"server/1.22.1 (Debian)"'] } as unknown as Peer),
    '1.22.1',
  )
})

test('a peer that does not come up is ended, with what it said', async (t) => {
  const tmp = await directory(t)
  const argv = ['{bin}/node', '-e', 'console.error("no such option"); process.exit(3)']
  await assert.rejects(start({ argv }, { tmp, origin: '' }), /it ended\nno such option/)
})

test('stop() ends what a peer has started as well', async (t) => {
  const tmp = await directory(t)
  const worker = `require("net").createServer().listen({port}, "127.0.0.1"); process.on("SIGTERM", () => {})`
  const main = 'require("child_process").spawn(process.execPath, [process.argv[1]]); setInterval(() => {}, 1000)'
  const started = await start(
    {
      argv: ['{bin}/node', '-e', main, '{tmp}/worker.js'],
      files: { 'worker.js': worker },
    },
    { tmp, origin: '' },
  )
  await started.stop()
  await sleep(100)
  await assert.rejects(fetch(`http://127.0.0.1:${started.port}`), ({ cause }) => cause.code === 'ECONNREFUSED')
})

test('the matrix says who is open, who has a limit that ends later, and what is cut', () => {
  const text = matrix(
    [
      row('a', { name: 'stock', what: 'As it comes.' }, [
        leak('idle-after-response'),
        found('head-trickle', '400 then fin'),
      ]),
      row('b', { name: 'stock', what: 'As it comes.', later: { 'idle-after-response': 'idle is 5 min' } }, [
        leak('idle-after-response'),
        found('head-trickle', '408 then fin'),
      ]),
      row('a', { name: 'timeout', what: 'The cure.', source: 'Someone | 2017' }, [], {
        case: 'slow-handler',
        verdict: 'fail',
        observed: 'fin',
        reason: 'fin at 10 s before the answer was whole',
      }),
    ],
    [{ peer: { ...named('c'), title: 'C' }, fix: 'apt-get install c' }],
  )
  const line = (name: string) => text.split('\n').find((one) => one.startsWith(`| ${name} |`)) ?? ''
  assert.match(line('a'), /\*\*open\*\* \|.*\*\*by size\*\*, 9.09 s/)
  assert.match(line('b'), /\| open: idle is 5 min \|.*\| 408, 9.09 s \|/)
  assert.match(text, /\*\*leaks\*\*: a connection that was idle after its response was not closed within 100s\./)
  assert.match(text, /\*\*cuts what is in flight\*\*.*\(fin at 10 s before the answer was whole\)/)
  assert.match(text, /C was not installed: `apt-get install c`/)
  const bars = text.split('\n').filter((one) => one.startsWith('|'))
  assert.equal(new Set(bars.map((one) => one.split('|').length)).size, 1)
})

async function directory(t: { after(then: () => Promise<void>): void }): Promise<string> {
  const tmp = await mkdtemp(join(tmpdir(), 'hangup-peers-test-'))
  t.after(() => rm(tmp, { recursive: true }))
  return tmp
}

const named = (name: string): Peer => ({ name, title: name, language: 'C', debian: [name], version: [], variants: [] })

const leak = (id: string): Limit => {
  const question = questions.find((one) => one.case === id)
  const { name = '', cost = '' } = question ?? {}
  const problem = question ? problemOf(question, 100_000) : ''
  const open = { fromMs: null, toMs: null, end: 'open', watchedMs: 100_000, reason: 'still open after 100s' }
  return { case: id, name, options: [], outcome: 'leak', ...open, problem, cost }
}

const found = (id: string, end: string): Limit => ({
  ...leak(id),
  ...{ outcome: 'found', fromMs: 9_090, toMs: 9_100, end, watchedMs: null, reason: null, problem: null, cost: null },
})

function row(
  title: string,
  variant: Omit<Variant, 'argv'>,
  limits: Limit[],
  cell?: Pick<Cell, 'case' | 'verdict' | 'observed' | 'reason'>,
) {
  const asked: Asked = { peer: named(title), variant: { ...variant, argv: [] }, version: '1.0' }
  const startedAt = new Date(0)
  const name = nameOf(asked)
  const where = { server: name, transport: 'tcp', level: 'observe' } as const
  const times = { observedMs: null, expected: null, tookMs: 0, timelines: [] }
  return {
    asked,
    report: makeReport({
      startedAt,
      tookMs: 0,
      servers: [serverNamed(name, { startedAt: startedAt.toISOString(), limits })],
      cases,
      cells: cell ? [{ ...cell, ...where, ...times }] : [],
    }),
  }
}
