/** The parts of the page, each of which is sent anew when it has changed. */
import { budgetSection } from './budget-section.ts'
import { causesSection } from './causes-section.ts'
import { connectionsSection } from './connections-section.ts'
import { endsSection } from './ends-section.ts'
import { figuresSection } from './figures-section.ts'
import type { Group } from './groups.ts'
import { historySection } from './history-section.ts'
import { lostSection } from './lost-section.ts'
import type { Seen } from './seen.ts'
import { stateSection } from './server-section.ts'
import { upstreamsSection } from './upstreams-section.ts'

/** The sections of the page by their id. `show`: the connections of that group alone. */
export function sectionsOf(seen: Seen, show: Group | null): ReadonlyMap<string, string> {
  const { server } = seen
  const summary = server.connections()
  const upstreams = server.upstreams?.()
  const sections = {
    state: stateSection(server, summary),
    figures: figuresSection(seen, summary),
    budget: budgetSection(server, summary),
    history: historySection(seen, summary, show),
    causes: causesSection(server.observer.lifetimes()),
    lost: lostSection(server.observer.lost),
    ...(upstreams && { upstreams: upstreamsSection(upstreams) }),
    connections: connectionsSection(server, summary, show),
    ends: endsSection(server.observer.ends()),
  }
  return new Map(Object.entries(sections).map(([id, section]) => [id, `${section}`]))
}
