/** How much of what can run out is in use. */
import { html } from 'hono/html'
import { Budget } from '../../lifecycle/descriptor-budget.ts'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import type { Administered } from '../routes.ts'
import { type Html, percent } from './chart.ts'
import { countText } from './words.ts'

export function budgetSection({ policy, observer }: Administered, { open }: ConnectionsSummary): Html {
  const bars: Html[] = []
  const descriptors = observer.descriptors()
  if (descriptors !== null) {
    const { used, limit } = descriptors
    const budget = Budget.of({ soft: limit, atStart: used, used: () => used }, policy)
    const most = budget?.most ?? limit
    bars.push(
      budgetBar({
        name: 'File descriptors',
        used,
        whole: limit,
        marks: budget === null ? [] : [budget.easeFrom, budget.most],
        level: used >= most ? 'full' : used >= (budget?.easeFrom ?? most) ? 'short' : 'plenty',
        more:
          budget === null
            ? 'no budget: reservedDescriptors is off'
            : `idle connections are closed sooner from ${countText(budget.easeFrom)}, at once from ${countText(budget.most)}`,
      }),
    )
  }
  if (policy.maxConnections > 0 && open !== null) {
    const level = open >= policy.maxConnections ? 'full' : 'plenty'
    const more = 'at maxConnections, the longest idle connection makes room'
    bars.push(budgetBar({ name: 'Connections', used: open, whole: policy.maxConnections, marks: [], level, more }))
  }
  if (bars.length === 0) return html`<section id="budget" hidden></section>`
  return html`<section id="budget" aria-label="Budgets">${bars}</section>`
}

interface BudgetBar {
  readonly name: string
  readonly used: number
  readonly whole: number
  readonly marks: readonly number[]
  readonly level: 'plenty' | 'short' | 'full'
  readonly more: string
}

function budgetBar({ name, used, whole, marks, level, more }: BudgetBar): Html {
  return html`<div class="budget ${level}">
<h2>${name}</h2><p><b>${countText(used)}</b> of ${countText(whole)}</p>
<svg class="bar wide" aria-hidden="true"><rect class="track" width="100%" height="100%"/><rect class="part" width="${percent(used / whole)}" height="100%"/>${marks.map(
    (mark) => html`<rect class="mark" x="${percent(mark / whole)}" width="2" height="100%"/>`,
  )}</svg>
<p class="soft">${more}</p></div>`
}
