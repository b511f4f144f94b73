/** What the server is, and what may be done to all of it. */
import { html } from 'hono/html'
import type { ConnectionsSummary } from '../../serve/contract.ts'
import type { Administered } from '../routes.ts'
import type { Html } from './chart.ts'
import { countIn } from './groups.ts'
import { countText } from './words.ts'

const phases: Readonly<Record<Administered['phase'], string>> = {
  serving: 'serving',
  announcing: 'draining: announced',
  closing: 'draining',
  cutting: 'draining: cutting what is left',
  closed: 'closed',
}

export function stateSection({ phase, url, engine }: Administered, { states, busy }: ConnectionsSummary): Html {
  const idle = countIn('idle', states)
  return html`<section id="state" aria-label="Server">
<p class="where"><span class="phase ${phase}">${phases[phase]}</span> <b>${url}</b> <span class="soft">on ${engine}</span></p>
<div class="acts">
<button form="act" name="idle" value="1"${idle === 0 ? html` disabled` : ''}>Close idle (${countText(idle)})</button>
<details id="drain"><summary>Drain…</summary><div class="ask"><p>The server takes no new connections, finishes ${
    busy === 1 ? 'the request' : `the ${countText(busy)} requests`
  } in flight and ends.</p><button form="act" name="drain" value="1" class="grave"${phase === 'serving' ? '' : html` disabled`}>Drain now</button></div></details>
</div>
</section>`
}
