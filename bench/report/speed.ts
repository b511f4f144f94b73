/** `docs/speed.md`: its blocks and its plots, from what is kept in `docs/bench/`. */
import { runtimes } from '../contenders.ts'
import { keptOf } from '../kept.ts'
import { comparedPlot, type EnginesData, enginesSection } from './engines.ts'
import { type GatewayData, gatewayPage } from './gateway.ts'
import {
  engineGoals,
  gatewayGoals,
  goalsTable,
  missedList,
  type Notes,
  scaleGoals,
  soakGoals,
  weightGoals,
} from './goals.ts'
import { type LedgerData, ledgerPage } from './ledger.ts'
import { type ScaleData, scalePage, scalePlot } from './scale.ts'
import { type SoakData, soakPage } from './soak.ts'
import { type WeightData, weightPage } from './weight.ts'
import { type WorkersData, workersPage } from './workers.ts'

const engines = () => keptOf<EnginesData>('engines')
const gateway = () => keptOf<GatewayData>('gateway')
const scale = () => keptOf<ScaleData>('scale')
const weight = () => keptOf<WeightData>('weight')
const soak = () => keptOf<SoakData>('soak')
const notes = () => keptOf<Notes>('notes') as Notes

const notYet = 'Not measured yet.'
const plot = (name: string, alt: string): string => `![${alt}](./bench/${name}.svg)`
const whole = <Data extends object>(data: Partial<Data>, page: (data: Data) => string): string =>
  Object.keys(data).length === 0 ? notYet : page(data as Data)

function goals(): string {
  const { text, goals: ofEngines } = engineGoals(engines())
  const others = [...gatewayGoals(gateway()), ...scaleGoals(scale()), ...weightGoals(weight()), ...soakGoals(soak())]
  return [missedList([...ofEngines, ...others], notes()), text, goalsTable(others)].join('\n\n')
}

export const speedBlocks = {
  goals,
  engines() {
    const data = engines()
    const sections = runtimes.flatMap((runtime) => {
      const run = data[runtime]
      const picture = plot(`engines-${runtime}`, `CPU time of a request on ${runtime}: the table below as bars`)
      return run ? [enginesSection(runtime, run, picture)] : []
    })
    return sections.join('\n\n') || notYet
  },
  scale: () =>
    whole(scale(), (data: ScaleData) =>
      [plot('scale', 'Memory by the number of idle connections, a line for each server'), scalePage(data)].join('\n\n'),
    ),
  weight: () => whole(weight(), weightPage),
  ledger: () => whole(keptOf<LedgerData>('ledger'), ledgerPage),
  'gateway-speed': () =>
    whole(gateway(), (data: GatewayData) =>
      [plot('gateway', 'CPU time of a request through each proxy: the table below as bars'), gatewayPage(data)].join(
        '\n\n',
      ),
    ),
  soak: () => whole(soak(), soakPage),
  /** Of docs/workers.md. */
  workers: () => whole(keptOf<WorkersData>('workers'), workersPage),
} as const satisfies Readonly<Record<string, () => string>>

/** By their paths. */
export function speedPlots(): Record<string, () => string> {
  const plots: Record<string, () => string> = {}
  for (const [runtime, run] of Object.entries(engines())) {
    plots[`docs/bench/engines-${runtime}.svg`] = () => comparedPlot(runtime, Object.values(run.loads))
  }
  const proxies = Object.values(gateway().loads ?? {})
  if (proxies.length > 0) plots['docs/bench/gateway.svg'] = () => comparedPlot('Reverse proxies', proxies)
  const { servers, memory } = scale()
  if (servers && memory) plots['docs/bench/scale.svg'] = () => scalePlot({ servers, memory, most: null })
  return plots
}
