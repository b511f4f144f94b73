import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Host } from '../../command/host.ts'
import { compareCommand } from './compare.ts'
import { toJson } from './json.ts'
import { type Limit, readReport } from './report.ts'
import { cellWith, idleCell, sampleReport } from './sample.ts'

let directory = ''
const at = (name: string) => join(directory, name)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hangup-compare-'))
  const leaky = sampleReport([
    idleCell({ server: 'leaky', verdict: 'fail', observed: 'open', observedMs: 8_000, reason: 'still open' }),
    cellWith({ server: 'leaky' }),
  ])
  const leak: Limit = {
    ...{ case: 'idle-after-response', name: 'idle', options: [], outcome: 'leak', fromMs: null, toMs: null },
    ...{ end: 'open', watchedMs: 8_000, reason: 'still open after 8s', problem: 'it leaks', cost: 'much' },
  }
  const servers = leaky.servers.map((server) => ({ ...server, version: 'leaky/1.0', limits: [leak] }))
  await writeFile(at('leaky.json'), toJson({ ...leaky, servers }))
  await writeFile(at('tidy.json'), toJson(sampleReport([idleCell({ server: 'tidy' })])))
  await writeFile(at('old.json'), '{"version": 1, "cells": []}')
})
after(() => rm(directory, { recursive: true }))

async function compared(...argv: string[]): Promise<{ out: string; err: string; status: number | null }> {
  const said = { out: '', err: '', status: null as number | null }
  const host: Host = {
    ...{ argv: [], env: {}, columns: 100 },
    out: (text) => {
      said.out += text
    },
    err: (text) => {
      said.err += text
    },
    exit: (status) => {
      said.status ??= status
    },
  }
  await compareCommand(argv, host)
  return said
}

test('the limits first, then cases and servers', async () => {
  const { out, err, status } = await compared(at('leaky.json'), at('tidy.json'))
  assert.equal(err, '')
  assert.equal(status, 0)
  assert.match(out, /^leaky: leaky\/1\.0\n\nhangs up when silent +leaky +tidy\n─.*\nidle +✗ not in 8 s +–\n/)
  assert.match(out, /^idle-after-response +must +✗ FAIL open 8\.00 s +✓ fin 2\.03 s$/m)
  assert.match(out, /^plain-get +must +✓ +·$/m)
})

test('--html writes the same as a page, --json prints one report that can be compared again', async () => {
  const { out, status } = await compared(at('leaky.json'), at('tidy.json'), '--html', at('all.html'), '--json')
  assert.equal(status, 0)
  const report = readReport(out, 'what was printed')
  assert.deepEqual(
    report.servers.map(({ name }) => name),
    ['leaky', 'tidy'],
  )
  const page = await readFile(at('all.html'), 'utf8')
  assert.match(page, /^<!doctype html>/)
  assert.match(page, /✗ not in 8 s<\/b>/)
})

test('every file that is not a report is named at once, with the fix', async () => {
  await writeFile(at('notes.json'), 'to do')
  const { out, err, status } = await compared(at('old.json'), at('tidy.json'), at('notes.json'), at('nowhere.json'))
  assert.equal(status, 2)
  assert.equal(out, '')
  assert.match(err, /3 problems:/)
  assert.match(
    err,
    /old\.json: it is a report of version 1: probe again with this hangup; accepted: a report of version 3/,
  )
  assert.match(err, /notes\.json: not valid JSON; accepted: /)
  assert.match(err, /nowhere\.json: it cannot be read \(ENOENT\)/)
})

test('without a file, and with a page that cannot be written, it says what is missing', async () => {
  const nothing = await compared()
  assert.equal(nothing.status, 2)
  assert.match(nothing.err, /<report\.json …>: it is missing; accepted: one or more files that hangup probe --json/)
  const nowhere = await compared(at('tidy.json'), '--html', at('no/such/place.html'))
  assert.equal(nowhere.status, 2)
  assert.match(nowhere.err, /--html .*place\.html: it cannot be written \(ENOENT\)/)
})

test('--help tells what it takes', async () => {
  const { out, status } = await compared('--help')
  assert.equal(status, 0)
  assert.match(out, /Usage: hangup compare <report\.json …>/)
})
