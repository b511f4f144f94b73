/** Tables that a narrow screen shows as cards. */
import { html } from 'hono/html'
import type { Html } from './chart.ts'

export interface Column<Row> {
  readonly name: string
  readonly cell: (row: Row) => Html | string
  readonly kind?: 'number' | 'act'
}

/**
 * A narrow screen shows rows as cards: the roles stay what they are, whatever the style makes of
 * the table.
 */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[], idOf: (row: Row) => string): Html {
  const head = columns.map(({ name, kind = '' }) =>
    kind === 'act'
      ? html`<th role="columnheader" scope="col"><span class="unseen">${name}</span></th>`
      : html`<th role="columnheader" scope="col"${classOf(kind)}>${name}</th>`,
  )
  const body = rows.map((row) => {
    const cells = columns.map(({ name, kind = '', cell }, index) =>
      index === 0
        ? html`<th role="rowheader" scope="row">${cell(row)}</th>`
        : html`<td role="cell"${classOf(kind)} data-name="${name}">${cell(row)}</td>`,
    )
    return html`<tr role="row" id="${idOf(row)}">${cells}</tr>`
  })
  return html`<table role="table" class="rows"><thead role="rowgroup"><tr role="row">${head}</tr></thead><tbody role="rowgroup">${body}</tbody></table>`
}

const classOf = (kind: string): Html | string => (kind === '' ? '' : html` class="${kind}"`)
