/** Why connections ended, since the start. */
import { html } from 'hono/html'
import { causeText } from '../../observe/cause-text.ts'
import type { EndReading } from '../../observe/observer.ts'
import { by } from './cells.ts'
import { bar, type Html } from './chart.ts'
import { countText } from './words.ts'

const mostShown = 8

export function causesSection(readings: readonly EndReading[]): Html {
  const counts = new Map<string, { cause: EndReading; count: number }>()
  for (const reading of readings) {
    const key = `${reading.by} ${reading.why}`
    const { count = 0 } = counts.get(key) ?? {}
    counts.set(key, { cause: reading, count: count + reading.lifetime.count })
  }
  const sorted = [...counts.values()].sort((a, b) => b.count - a.count)
  const most = sorted[0]?.count ?? 1
  const rows = sorted
    .slice(0, mostShown)
    .map(
      ({ cause, count }) =>
        html`<tr><th scope="row">${causeText(cause)}${by(cause)}</th><td class="number">${countText(count)}${bar(count / most, cause.by)}</td></tr>`,
    )
  return html`<section id="causes" class="panel" aria-labelledby="causes-title">
<h2 id="causes-title">Why connections ended</h2>
${rows.length === 0 ? html`<p class="none">None has ended yet.</p>` : html`<table class="causes"><thead class="unseen"><tr><th scope="col">Why</th><th scope="col">How many</th></tr></thead><tbody>${rows}</tbody></table>`}
</section>`
}
