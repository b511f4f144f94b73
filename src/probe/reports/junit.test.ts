import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toJUnit } from './junit.ts'
import type { Cell } from './report.ts'
import { cellWith, idleCell, sampleReport } from './sample.ts'

/**
 * Tags in order, after a check that they are balanced and that nothing but them and text with
 * entities is there.
 */
function parse(xml: string): { name: string; attributes: Record<string, string>; text: string }[] {
  assert.match(xml, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n/)
  const body = xml.slice(xml.indexOf('\n') + 1)
  const found: { name: string; attributes: Record<string, string>; text: string }[] = []
  const open: (typeof found)[number][] = []
  let at = 0
  for (const tag of body.matchAll(/<(\/?)([a-z-]+)((?: [a-z]+="[^"<]*")*)(\/?)>/g)) {
    const text = body.slice(at, tag.index)
    assert.doesNotMatch(text, /[<>]|&(?!(amp|lt|gt|quot|#39);)/)
    const last = open.at(-1)
    if (last) last.text += text
    at = tag.index + tag[0].length
    const [, isEnd, name = '', attributes = '', isEmpty] = tag
    if (isEnd) {
      assert.equal(open.pop()?.name, name)
      continue
    }
    const pairs = [...attributes.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, key = '', value = '']) => [key, value])
    const element = { name, attributes: Object.fromEntries(pairs), text: '' }
    found.push(element)
    if (!isEmpty) open.push(element)
  }
  assert.deepEqual(open, [])
  assert.equal(body.slice(at).trim(), '')
  return found
}

const outcomes: readonly { readonly cell: Partial<Cell>; readonly element: string | undefined }[] = [
  { cell: { verdict: 'pass' }, element: undefined },
  { cell: { verdict: 'deviation', reason: 'known (bun#1)' }, element: 'system-out' },
  { cell: { verdict: 'not-judged', reason: 'no route' }, element: 'skipped' },
  { cell: { verdict: 'fail', reason: 'still open' }, element: 'failure' },
  { cell: { verdict: 'observed', reason: 'still open', level: 'observe' }, element: 'system-out' },
  { cell: { verdict: 'unexpected-pass', reason: 'it is gone' }, element: 'failure' },
  { cell: { verdict: 'setup-failed', reason: 'no connection' }, element: 'error' },
  { cell: { verdict: 'harness-failed', reason: 'too late' }, element: 'error' },
]
for (const { cell, element } of outcomes) {
  test(`${cell.verdict} at the level ${cell.level ?? 'must'} is ${element ?? 'a test without a word'}`, () => {
    const elements = parse(toJUnit(sampleReport([cellWith(cell)])))
    assert.deepEqual(
      elements.map(({ name }) => name),
      ['testsuites', 'testsuite', 'testcase', ...(element ? [element] : [])],
    )
    const [suites] = elements
    const counted = { failure: 'failures', error: 'errors', skipped: 'skipped' }[element ?? '']
    for (const name of ['failures', 'errors', 'skipped']) {
      assert.equal(suites?.attributes[name], name === counted ? '1' : '0', name)
    }
  })
}

test('a suite for each server and transport, with the time of a test in seconds', () => {
  const elements = parse(toJUnit(sampleReport([idleCell(), idleCell({ transport: 'tls' }), cellWith({ server: 'b' })])))
  const suites = elements.filter(({ name }) => name === 'testsuite')
  assert.deepEqual(
    suites.map(({ attributes }) => [attributes['name'], attributes['tests']]),
    [
      ['a tcp', '1'],
      ['a tls', '1'],
      ['b tcp', '1'],
    ],
  )
  const testcase = elements.find(({ name }) => name === 'testcase')
  assert.equal(testcase?.attributes['time'], '2.100')
  assert.equal(testcase?.attributes['classname'], 'a-tcp.Idle connections')
  assert.equal(testcase?.attributes['name'], 'idle-after-response: What idle-after-response asks')
})

test('nothing that a server says leaves its place', () => {
  const reason = ']]></failure>"\'&\x00\x1b\ud800\uffff\nsecond line'
  const elements = parse(toJUnit(sampleReport([cellWith({ verdict: 'fail', reason, server: '<"&>' })])))
  const failure = elements.find(({ name }) => name === 'failure')
  assert.equal(failure?.attributes['message'], ']]&gt;&lt;/failure&gt;&quot;&#39;&amp;␀␛\ufffd\ufffd')
  assert.match(failure?.text ?? '', /^\]\]&gt;.*\nsecond line\n\nBecause\.\nRFC 9112 9\.3$/s)
})
