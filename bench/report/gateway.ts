/** What `bench/gateway.ts` measured. */
import { markdown } from '../../scripts/markdown.ts'
import type { Handshakes } from '../handshakes.ts'
import type { Stamp } from '../machine.ts'
import { type Compared, comparedTable, placesTable } from './engines.ts'
import { stampLines } from './stamps.ts'

export interface GatewayData {
  /** By the name of the load; nginx is the first of each. */
  readonly loads: Readonly<Record<string, Compared>>
  /** By runtime: a gateway, and the same with many routes and upstreams. */
  readonly routes: Readonly<Record<string, Compared>>
  readonly handshakes: { readonly stamp: Stamp; readonly rows: readonly Handshakes[] } | null
}

function handshakesTable(rows: readonly Handshakes[]): string {
  const [nginx] = rows
  const beside = (micros: number) => (nginx ? (micros / nginx.newMicros).toFixed(2) : '')
  return markdown(
    ['server, a connection with one request', 'CPU µs, new session', '×', 'CPU µs, resumed session', '× new on nginx'],
    rows.map(({ name, newMicros, resumedMicros }) => [
      name,
      newMicros.toFixed(0),
      beside(newMicros),
      resumedMicros.toFixed(0),
      beside(resumedMicros),
    ]),
  )
}

export function gatewayPage({ loads, routes, handshakes }: GatewayData): string {
  const [runs, many] = [Object.values(loads), Object.values(routes)]
  const parts = [stampLines([...runs, ...many].map(({ stamp }) => stamp))]
  if (runs.length > 0) parts.push(comparedTable(runs), ...placesTable(runs))
  if (handshakes) parts.push(handshakesTable(handshakes.rows))
  if (many.length > 0) parts.push('Each gateway, and the same with many routes and upstreams:', comparedTable(many))
  return parts.join('\n\n')
}
