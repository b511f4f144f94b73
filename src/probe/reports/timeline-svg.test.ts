import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ReportTimeline } from './report.ts'
import { idleCell } from './sample.ts'
import { axisEndMs, axisStepMs, timelineSvg } from './timeline-svg.ts'

const drawn = (cell = idleCell(), endMs = axisEndMs([cell])) =>
  timelineSvg(cell, { endMs, id: 't0', title: 'Idle' }).text

test('what was sent hangs below the line, what came stands above it', () => {
  const svg = drawn()
  const [, lineY] = /class="wire"[^>]* y1="(\d+)"/.exec(svg) ?? []
  const [, sentFrom, sentTo] = /class="sent"[^>]* y1="(\d+)" y2="(\d+)"/.exec(svg) ?? []
  const [, cameFrom, cameTo] = /class="received"[^>]* y1="(\d+)" y2="(\d+)"/.exec(svg) ?? []
  assert.equal(sentFrom, lineY)
  assert.ok(Number(sentTo) > Number(lineY))
  assert.equal(cameTo, lineY)
  assert.ok(Number(cameFrom) < Number(lineY))
})

test('the end lies in the band when it came in time, and before it when it was early', () => {
  const place = (svg: string) => {
    const at = Number(/class="end fin" href="#end-fin" x="([\d.]+)%"/.exec(svg)?.[1])
    const [, from = 0, width = 0] = /<rect class="" x="([\d.]+)%" y="\d+" width="([\d.]+)%"/.exec(svg) ?? []
    return { at, from: Number(from), to: Number(from) + Number(width) }
  }
  const inTime = place(drawn())
  assert.ok(inTime.at > inTime.from && inTime.at < inTime.to, JSON.stringify(inTime))
  const [timeline] = idleCell().timelines as [ReportTimeline]
  const early = place(drawn(idleCell({ timelines: [{ ...timeline, untilMs: 900 }] })))
  assert.ok(early.at < early.from, JSON.stringify(early))
})

test('each end has its mark; what is open is red only where an end was due', () => {
  const [timeline] = idleCell().timelines as [ReportTimeline]
  const ended = (end: ReportTimeline['end'], more = {}) =>
    drawn(idleCell({ timelines: [{ ...timeline, end }], ...more }))
  assert.match(ended('fin'), /#end-fin.*>FIN 2\.03 s</)
  assert.match(ended('reset'), /#end-reset.*>RST 2\.03 s</)
  assert.match(ended('open', { verdict: 'fail' }), /class="wire on".*#end-open.*>still open 2\.03 s</)
  const left = ended('open', { expected: null })
  assert.match(left, />open 2\.03 s</)
  assert.doesNotMatch(left, /class="wire on"/)
})

test('it is told in words too', () => {
  const svg = drawn()
  assert.match(svg, /role="img" aria-labelledby="t0-t t0-d"/)
  assert.match(svg, /<title id="t0-t">Idle<\/title>/)
  assert.match(
    svg,
    /<desc[^>]*>connected at 0 ms; sent 41 B at 0\.1 ms; received 168 B at 1 ms; fin at 2\.03 s\. Ended with FIN at 2\.03 s\. Due 1\.95 – 2\.4 s/,
  )
})

test('a window without a beginning that ends long after everything does not stretch the axis', () => {
  const soon = { from: 'sent', fromMs: 0, earliestMs: null, latestMs: 60_000, lagMs: 0, by: [] }
  const cell = idleCell({ expected: soon })
  assert.ok(axisEndMs([cell]) < 4_000)
  assert.match(drawn(cell), />due by 60 s →</)
  assert.ok(axisEndMs([idleCell({ expected: { ...soon, earliestMs: 59_000 } })]) > 60_000)
})

test('the axis has four to eight marks, whatever it measures', () => {
  for (const endMs of [1, 4.7, 50, 333, 1_000, 2_550, 8_400, 75_000, 3_600_000]) {
    const marks = Math.floor(endMs / axisStepMs(endMs)) + 1
    assert.ok(marks >= 4 && marks <= 9, `${marks} marks for ${endMs} ms`)
  }
})

test('a report from elsewhere may hold more than is drawn', () => {
  const [timeline] = idleCell().timelines as [ReportTimeline]
  const flood = Array.from({ length: 100_000 }, (_, at) => ({ atMs: at / 50, what: 'received' as const, bytes: 1 }))
  const svg = drawn(idleCell({ timelines: Array.from({ length: 50 }, () => ({ ...timeline, events: flood })) }))
  assert.ok(svg.length < 200_000, `${svg.length} characters`)
})
