import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toHtml } from './html.ts'
import type { Limit, Report, ReportServer } from './report.ts'
import { cellWith, idleCell, sampleReport } from './sample.ts'

const limit = (more: Partial<Limit>): Limit => ({
  ...{ case: 'idle-after-response', name: 'idle', options: ['idleTimeoutMs'], outcome: 'found', fromMs: 5_000 },
  ...{ toMs: 5_030, end: 'fin', watchedMs: null, reason: null, problem: null, cost: null },
  ...more,
})
const leak = limit({
  ...{ outcome: 'leak', fromMs: null, toMs: null, end: 'open', watchedMs: 75_000 },
  ...{
    reason: 'still open after 75s',
    problem: 'an idle connection was not closed within 75s',
    cost: 'each holds a descriptor',
  },
})

function withServer(report: Report, more: Partial<ReportServer>): Report {
  return { ...report, servers: report.servers.map((server) => ({ ...server, ...more })) }
}

/** Elements that are open at the end, or closed without having been opened. */
function unbalanced(page: string): string[] {
  const empty = new Set(['meta', 'br', 'line', 'rect', 'use', 'path', 'circle'])
  const open: string[] = []
  const wrong: string[] = []
  const body = page.replace(/<style>.*?<\/style>/s, '').replace('<!doctype html>', '')
  for (const [, isEnd, name = '', rest = ''] of body.matchAll(/<(\/?)([a-z0-9]+)((?:[^>"]|"[^"]*")*)>/g)) {
    if (isEnd) {
      if (open.pop() !== name) wrong.push(`</${name}>`)
    } else if (!rest.endsWith('/') && !empty.has(name)) open.push(name)
  }
  return [...wrong, ...open]
}

test('a leak is said first, a limit with its time', () => {
  const page = toHtml(withServer(sampleReport([idleCell()]), { limits: [leak, limit({ name: 'head' })] }))
  assert.match(page, /<strong class="bad">It leaks<\/strong>/)
  assert.match(page, /<strong>An idle connection was not closed within 75s:<\/strong> each holds a descriptor\./)
  assert.ok(page.indexOf('1 leak') < page.indexOf('<b>5 s<'))
  assert.match(page, /head<\/span>.*<b>5 s<\/b>/s)
  assert.match(toHtml(withServer(sampleReport([idleCell()]), { limits: [limit({})] })), /It hangs up<\/strong>/)
})

test('the warnings of a server are told as it has them', () => {
  const page = toHtml(
    withServer(sampleReport([idleCell()]), { warnings: ['your 5 s is under 60 s: intermittent 502'] }),
  )
  assert.match(page, /<strong>Your 5 s is under 60 s:<\/strong> intermittent 502\./)
})

test('each case is told with its result, its window, its reason and its timeline', () => {
  const page = toHtml(sampleReport([idleCell({ verdict: 'fail', reason: 'too late' })]))
  assert.match(page, /<article id="case-idle-after-response" class="is-bad">/)
  assert.match(page, /<b class="bad">fail<\/b> · FIN after 2\.03 s/)
  assert.match(page, /due 1\.95 – 2\.4 s after the last byte came <code>idleTimeoutMs<\/code>/)
  assert.match(page, /<p class="reason">too late<\/p>/)
  assert.match(page, /<p>Because\.<\/p><p class="soft">RFC 9112 9\.3<\/p>/)
  assert.match(page, /<svg class="timeline"/)
  assert.match(page, /<a href="#chapter-idle-connections">Idle connections <b class="bad">✗ 1<\/b>/)
})

test('what is only observed is no failure', () => {
  const page = toHtml(sampleReport([idleCell({ verdict: 'observed', level: 'observe', reason: 'otherwise' })]))
  assert.doesNotMatch(page, /class="is-bad"/)
  assert.match(page, /<b class="seen">observed<\/b>/)
})

test('what is not judged is told once for each reason', () => {
  const reason = 'it needs a page: --slow-path'
  const cells = ['pipelining', 'whoami'].map((id) => cellWith({ case: id, verdict: 'not-judged', reason }))
  const page = toHtml(sampleReport(cells))
  assert.equal(page.split(`${reason}:`).length - 1, 1)
  assert.match(page, /pipelining, whoami/)
  assert.doesNotMatch(page, /<article/)
})

test('several servers have a matrix, and every case is there for each', () => {
  const page = toHtml(
    sampleReport([idleCell(), idleCell({ transport: 'tls' }), idleCell({ server: 'b', verdict: 'fail' })]),
  )
  assert.match(page, /<a class="mono" href="#case-idle-after-response"/)
  assert.match(page, /<td class="good"[^>]*>✓ 2\.03 s<\/td><td class="bad"[^>]*>✗ 2\.03 s <small>FIN<\/small><\/td>/)
  assert.match(page, /<b>a, TCP<\/b>.*<b>b, TCP<\/b>.*1 more<\/summary>.*<b>a, TLS<\/b>/s)
})

const hostile = `</title></style></svg><script>alert(1)</script><img src=x onerror="alert(1)">'"&\x1b[2J\u202e\ud800`

test('nothing that a server says becomes markup, wherever it is said', () => {
  const cell = idleCell({
    ...{ server: hostile, observed: hostile, reason: hostile, verdict: 'fail' },
    expected: { from: hostile, fromMs: 0, earliestMs: 1, latestMs: 2, lagMs: 0, by: [hostile] },
    timelines: [{ events: [{ atMs: 0, what: 'error', detail: hostile }], end: 'open', untilMs: 5 }],
  })
  const report = withServer(sampleReport([cell]), {
    ...{ version: hostile, url: hostile, warnings: [hostile], cutShort: hostile },
    limits: [
      limit({ name: hostile, end: hostile }),
      { ...leak, name: 'x', problem: hostile, reason: hostile, cost: hostile },
    ],
    expected: { source: hostile, policy: { [hostile]: 1 } },
  })
  const told = {
    ...report,
    by: { hangup: hostile, runtime: hostile, platform: hostile },
    cases: report.cases.map((one) => ({ ...one, title: hostile, why: hostile, spec: [hostile], chapter: hostile })),
  }
  for (const page of [
    toHtml(told),
    toHtml({ ...told, servers: [...told.servers, { ...told.servers[0]!, name: 'b' }] }),
  ]) {
    assert.doesNotMatch(page, /<script|<img|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/)
    assert.ok(page.isWellFormed())
    assert.deepEqual(unbalanced(page), [])
    assert.equal(page.match(/<\/style>/g)?.length, 1)
  }
})

test('the page loads nothing and runs nothing', () => {
  const page = toHtml(sampleReport([idleCell()]))
  assert.match(
    page,
    /<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">/,
  )
  assert.doesNotMatch(page, /<script|<link|src=|url\(|@import|https?:/)
})

test('a log that a server wrote without end is cut', () => {
  const page = toHtml(sampleReport([cellWith({ verdict: 'fail', reason: 'x'.repeat(5_000_000) })]))
  assert.ok(page.length < 100_000, `${page.length} characters`)
})

/** WCAG 2.2, 1.4.3. */
function contrast(one: string, other: string): number {
  const luminance = (hex: string) => {
    const digits =
      hex.length === 4 ? [...hex.slice(1)].map((digit) => digit + digit) : (hex.slice(1).match(/../g) ?? [])
    const [red = 0, green = 0, blue = 0] = digits.map((pair) => {
      const value = Number.parseInt(pair, 16) / 255
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return (light + 0.05) / (dark + 0.05)
}

test('text has a contrast of 4.5:1 on its ground, light and dark', () => {
  const page = toHtml(sampleReport([idleCell()]))
  const schemes = [...page.matchAll(/:root\{[^}]*--ground[^}]*\}/g)].map(([block]) =>
    Object.fromEntries(
      [...block.matchAll(/--([a-z-]+):(#[0-9a-f]+)/g)].map(([, name = '', value = '']) => [name, value]),
    ),
  )
  assert.equal(schemes.length, 2)
  for (const scheme of schemes) {
    for (const text of ['ink', 'soft', 'good', 'bad', 'known', 'seen', 'none']) {
      for (const ground of ['ground', 'paper']) {
        const ratio = contrast(scheme[text] ?? '', scheme[ground] ?? '')
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`)
      }
    }
    assert.ok(contrast(scheme['ink'] ?? '', scheme['bad-wash'] ?? '') >= 4.5)
  }
})
