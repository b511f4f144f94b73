/** Plots as plain SVG, light or dark as the reader's system is: bars in groups, and lines. */

/** 0 is for what the others are compared with. */
export type Hue = 0 | 1 | 2 | 3

export interface Bar {
  readonly name: string
  readonly value: number
  readonly hue: Hue
}

export interface Group {
  readonly title: string
  readonly bars: readonly Bar[]
}

export interface Line {
  readonly name: string
  readonly hue: Hue
  readonly kind: 'solid' | 'dashed' | 'dotted'
  readonly points: readonly (readonly [x: number, y: number])[]
}

const colours = {
  light: ['#8c959f', '#0969da', '#bc4c00', '#8250df'],
  dark: ['#6e7681', '#58a6ff', '#f0883e', '#bc8cff'],
}
const style = (scheme: 'light' | 'dark'): string => {
  const [surface, text, muted, grid] =
    scheme === 'light' ? ['#ffffff', '#1f2328', '#59636e', '#d8dee4'] : ['#0d1117', '#e6edf3', '#9198a1', '#30363d']
  const hues = colours[scheme].map((colour, hue) => `.f${hue}{fill:${colour}}.s${hue}{stroke:${colour}}`)
  return `.surface{fill:${surface}}text{fill:${text}}.muted{fill:${muted}}.grid{stroke:${grid}}${hues.join('')}`
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

function picture(title: string, width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">
<style>text{font:13px system-ui,sans-serif}.title{font-weight:600;font-size:15px}.line{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:7 4}.dotted{stroke-dasharray:2 4}${style('light')}@media(prefers-color-scheme:dark){${style('dark')}}</style>
<rect class="surface" width="${width}" height="${height}" rx="6"/>
${text(margin, 26, title, 'title')}
${parts.join('\n')}
</svg>
`
}

const at = (value: number): string => String(Number(value.toFixed(1)))

type Anchor = 'start' | 'middle' | 'end'

const text = (x: number, y: number, says: string, looks = '', anchor: Anchor = 'start'): string =>
  `<text x="${at(x)}" y="${at(y)}"${looks && ` class="${looks}"`}${anchor === 'start' ? '' : ` text-anchor="${anchor}"`}>${escaped(says)}</text>`

/** Round numbers from 0 to at least `most`, about `about` of them. */
export function ticks(most: number, about = 5): number[] {
  if (!(most > 0)) return [0, 1]
  const raw = most / about
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].find((times) => times * power >= raw * 0.999)! * power
  return Array.from({ length: Math.ceil(most / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)))
}

/** The nearest to each place that leaves `apart` between any two, in the order of the places. */
export function spread(places: readonly number[], apart: number): number[] {
  const order = [...places.keys()].sort((a, b) => places[a]! - places[b]!)
  // Those that touch form a block, which stands where its members would on average.
  const blocks: { members: number[]; from: number }[] = []
  for (const index of order) {
    blocks.push({ members: [index], from: places[index]! })
    for (let last = blocks.length - 1; last > 0; last--) {
      const [before, after] = [blocks[last - 1]!, blocks[last]!]
      if (before.from + before.members.length * apart <= after.from) break
      const members = [...before.members, ...after.members]
      const sum = members.reduce((total, member, i) => total + places[member]! - i * apart, 0)
      blocks.splice(last - 1, 2, { members, from: sum / members.length })
    }
  }
  const spaced: number[] = []
  for (const { members, from } of blocks) {
    for (const [i, member] of members.entries()) spaced[member] = from + i * apart
  }
  return spaced
}

const margin = 20
const barHeight = 16
const rowHeight = 22
const nameWidth = 230
const barsWidth = 400
const valueWidth = 90

/** Each group has a scale of its own: 100 KB and a hello have nothing to do with each other. */
export function barPlot(title: string, unit: string, groups: readonly Group[]): string {
  const parts: string[] = []
  let y = 40
  for (const { title: heading, bars } of groups) {
    y += 22
    parts.push(text(margin, y, heading, 'muted'))
    y += 8
    const most = Math.max(...bars.map(({ value }) => value))
    for (const { name, value, hue } of bars) {
      const width = most > 0 ? Math.max(1, (value / most) * barsWidth) : 1
      const left = margin + nameWidth
      parts.push(text(left - 8, y + barHeight - 3, name, '', 'end'))
      parts.push(`<rect class="f${hue}" x="${left}" y="${at(y)}" width="${at(width)}" height="${barHeight}" rx="2"/>`)
      parts.push(text(left + width + 6, y + barHeight - 3, `${value.toFixed(1)} ${unit}`))
      y += rowHeight
    }
  }
  return picture(title, 2 * margin + nameWidth + barsWidth + valueWidth, y + margin - 4, parts)
}

export interface LinePlot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly lines: readonly Line[]
}

const area = { left: 64, top: 64, width: 480, height: 320 }
const labelsWidth = 200
const labelsApart = 16

/** Each line is named at its end. */
export function linePlot({ title, x: xTitle, y: yTitle, lines }: LinePlot): string {
  const all = lines.flatMap(({ points }) => points)
  const xTicks = ticks(Math.max(0, ...all.map(([x]) => x)))
  const yTicks = ticks(Math.max(0, ...all.map(([, y]) => y)))
  const bottom = area.top + area.height
  const xAt = (x: number) => area.left + (x / xTicks.at(-1)!) * area.width
  const yAt = (y: number) => bottom - (y / yTicks.at(-1)!) * area.height
  const right = area.left + area.width
  const parts = [
    ...yTicks.flatMap((tick) => [
      `<line class="grid" x1="${area.left}" x2="${right}" y1="${at(yAt(tick))}" y2="${at(yAt(tick))}"/>`,
      text(area.left - 8, yAt(tick) + 4, tick.toLocaleString('en'), 'muted', 'end'),
    ]),
    ...xTicks.map((tick) => text(xAt(tick), bottom + 20, tick.toLocaleString('en'), 'muted', 'middle')),
    text((area.left + right) / 2, bottom + 40, xTitle, 'muted', 'middle'),
    text(area.left - 8, area.top - 10, yTitle, 'muted', 'end'),
  ]
  const ends = lines.map(({ points }) => points.at(-1) ?? [0, 0])
  const labels = spread(
    ends.map(([, y]) => yAt(y)),
    labelsApart,
  )
  for (const [index, { name, hue, kind, points }] of lines.entries()) {
    const path = points.map(([x, y]) => `${at(xAt(x))},${at(yAt(y))}`).join(' ')
    const looks = kind === 'solid' ? '' : ` ${kind}`
    const [endX, endY] = [xAt(ends[index]![0]), yAt(ends[index]![1])]
    const labelY = labels[index]!
    parts.push(`<polyline class="line s${hue}${looks}" points="${path}"/>`)
    parts.push(`<line class="grid" x1="${at(endX)}" y1="${at(endY)}" x2="${right + 12}" y2="${at(labelY)}"/>`)
    parts.push(text(right + 16, labelY + 4, name, `f${hue}`))
  }
  return picture(title, right + labelsWidth, bottom + 56, parts)
}
