/**
 * Several servers, one load: started together, loaded in turn, compared round by round, so that a
 * machine that is slow for a moment is slow for all. Each round has an order of its own, so that
 * nobody always follows the same server.
 */
import { alwaysAtWork } from './contenders.ts'
import { type Places, placesUnder } from './places.ts'
import { type Contender, commandOf, type Server, start } from './process.ts'
import { median, shuffled } from './statistics.ts'
import { type Load, type Loaded, loadFor, type Sample } from './wrk.ts'

export interface Result {
  readonly name: string
  readonly sample: Sample
  /** Median over the rounds of this one ÷ the first. */
  readonly ratio: Sample
  /** Rounds that others disturbed every time that they were tried. */
  readonly disturbed: number
  /** Of the CPU time, in a round of its own after the others; null where nobody can look. */
  readonly places?: Places | null
}

export interface Rounds {
  /** Of each process. */
  readonly rounds: number
  /**
   * How often each is started: two processes of one server differ by some 4 % in CPU time, however
   * long they run, and by a fifth in p99. Default: 2.
   */
  readonly processes?: number
  readonly seconds: number
  readonly random: () => number
  /** Called for each server before any load. */
  readonly started?: (server: Server) => Promise<void>
}

/**
 * The gateway on Node is compiled in its sixth second, on Deno in its eighth. Two runs: at the end
 * of the first, clients leave in the midst of their requests, which calls for other code.
 */
export async function warmUp(server: Server, load: Load): Promise<void> {
  for (const seconds of [6, 2]) await loadFor(server, load, seconds)
}

/** Of the time, what others may take of the two cores. */
const mostDisturbed = 0.08
const triesAtMost = 4
/** Some 6,000 samples: a tenth of the time is known to a twentieth. */
const profiledSeconds = 2

/** Once more where others disturbed it; the best of the tries. */
async function undisturbed(server: Server, load: Load, seconds: number): Promise<Loaded> {
  let best = await loadFor(server, load, seconds)
  for (let tried = 1; best.disturbed > mostDisturbed && tried < triesAtMost; tried++) {
    const again = await loadFor(server, load, seconds)
    if (again.disturbed < best.disturbed) best = again
  }
  return best
}

/** The same work with all of them, which do not outlive it. */
async function together<T>(
  contenders: readonly Contender[],
  started: (server: Server) => Promise<void>,
  work: (servers: readonly Server[]) => Promise<T>,
): Promise<T> {
  const servers: Server[] = []
  try {
    for (const contender of contenders) {
      const command = (port: number) => alwaysAtWork(commandOf(contender, port))
      const server = await start({ ...contender, command })
      servers.push(server)
      await started(server)
    }
    return await work(servers)
  } finally {
    for (const { child } of servers) child.kill('SIGKILL')
  }
}

/** The first is what the others are compared with. */
export async function compare(
  contenders: readonly Contender[],
  load: Load,
  { rounds, processes = 2, seconds, random, started = async () => {} }: Rounds,
): Promise<Result[]> {
  const all = [...contenders.keys()]
  const table: Loaded[][] = all.map(() => [])
  const places: (Places | null)[] = []
  for (let process = 0; process < processes; process++) {
    await together(contenders, started, async (servers) => {
      for (const server of servers) await warmUp(server, load)
      for (let round = 0; round < rounds; round++) {
        for (const index of shuffled(all, random)) {
          table[index]!.push(await undisturbed(servers[index]!, load, seconds))
        }
      }
      if (process > 0) return
      for (const index of shuffled(all, random)) {
        const server = servers[index]!
        places[index] = await placesUnder(server, profiledSeconds, () => loadFor(server, load, profiledSeconds))
      }
    })
  }
  return contenders.map(({ name }, index) => ({
    name,
    sample: medians(table[index]!),
    ratio: medians(table[index]!.map((mine, round) => over(mine, table[0]![round]!))),
    disturbed: table[index]!.filter(({ disturbed }) => disturbed > mostDisturbed).length,
    places: places[index]!,
  }))
}

const each = (of: (figure: keyof Sample) => number): Sample => ({
  cpuMicros: of('cpuMicros'),
  requestsPerSec: of('requestsPerSec'),
  p50Ms: of('p50Ms'),
  p99Ms: of('p99Ms'),
})

const over = (mine: Sample, first: Sample): Sample => each((figure) => mine[figure] / first[figure])

const medians = (samples: readonly Sample[]): Sample =>
  each((figure) => median(samples.map((sample) => sample[figure])))
