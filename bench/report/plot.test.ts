import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barPlot, linePlot, spread, ticks } from './plot.ts'

test('an axis begins at 0, ends at or above the largest value, and has round steps', () => {
  assert.deepEqual(ticks(87), [0, 20, 40, 60, 80, 100])
  assert.deepEqual(ticks(15_000), [0, 5_000, 10_000, 15_000])
  assert.deepEqual(ticks(0.9), [0, 0.2, 0.4, 0.6, 0.8, 1])
  assert.deepEqual(ticks(100_000), [0, 20_000, 40_000, 60_000, 80_000, 100_000])
  assert.deepEqual(ticks(0), [0, 1])
})

test('labels that would lie over each other are moved apart by no more than they must', () => {
  assert.deepEqual(spread([10, 100], 16), [10, 100])
  assert.deepEqual(spread([50, 50], 16), [50 - 8, 50 + 8])
  const spaced = spread([52, 50, 51, 200], 16)
  assert.deepEqual(spaced, [67, 35, 51, 200])
})

test('a bar is as long as its value, and the longest of each group fills the width', () => {
  const svg = barPlot('t', 'µs', [
    {
      title: 'hello',
      bars: [
        { name: 'a', value: 10, hue: 0 },
        { name: 'b', value: 5, hue: 1 },
      ],
    },
    { title: 'large', bars: [{ name: 'a', value: 100, hue: 0 }] },
  ])
  const widths = [...svg.matchAll(/<rect class="f\d"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width))
  assert.deepEqual(widths, [400, 200, 400])
  assert.match(svg, />10\.0 µs</)
})

test('a name cannot end the picture', () => {
  const svg = barPlot('a "b" <c> & d', 'µs', [{ title: '</svg>', bars: [] }])
  assert.match(svg, /aria-label="a &quot;b&quot; &lt;c&gt; &amp; d"/)
  assert.equal(svg.split('</svg>').length, 2)
})

test('lines lie inside the plot', () => {
  const svg = linePlot({
    title: 't',
    x: 'x',
    y: 'MB',
    lines: [
      {
        name: 'one',
        hue: 1,
        kind: 'dashed',
        points: [
          [0, 0],
          [15_000, 93],
        ],
      },
    ],
  })
  const [, path = ''] = /<polyline class="line s1 dashed" points="([^"]*)"/.exec(svg) ?? []
  assert.equal(path, '64,384 544,86.4')
  assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
})

test('a plot of nothing is empty, not broken', () => {
  for (const svg of [barPlot('t', 'µs', []), linePlot({ title: 't', x: 'x', y: 'y', lines: [] })]) {
    assert.doesNotMatch(svg, /NaN|Infinity|undefined/)
  }
})
