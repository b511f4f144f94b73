/** What several tables say of a connection. */
import { html } from 'hono/html'
import type { State } from '../../lifecycle/states.ts'
import { causeOption } from '../../observe/cause-text.ts'
import type { EndReading } from '../../observe/observer.ts'
import type { Html } from './chart.ts'
import { groupOf } from './groups.ts'

export function by(cause: Pick<EndReading, 'by' | 'why'>): Html {
  const option = causeOption(cause)
  return html` <span class="by"><i class="dot by-${cause.by}"></i>${cause.by}${option === null ? '' : html` · <code>${option}</code>`}</span>`
}

export const stateCell = (state: State): Html =>
  html`<span class="state"><i class="dot ${groupOf[state]}"></i>${state}</span>`
