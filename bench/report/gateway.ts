/** What `bench/gateway.ts` measured. */
import { type Compared, comparedTable } from './engines.ts'
import { stampLines } from './stamps.ts'

/** By the name of the load. */
export type GatewayData = Readonly<Record<string, Compared>>

export function gatewayPage(data: GatewayData): string {
  const runs = Object.values(data)
  return [stampLines(runs.map(({ stamp }) => stamp)), comparedTable(runs)].join('\n\n')
}
