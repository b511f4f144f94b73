/**
 * Probes other people's servers, stock and with the timeouts that they recommend: `npm run peers --
 * --only nginx,gevent`. Installs nothing; what is missing is named, and the others go on. The
 * reports go to test-results/peers, and when there is one of every peer that is installed,
 * docs/peers.md and docs/peers.html are made of them; `--docs` does only that.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parse } from '../src/policy/units.ts'
import { questions } from '../src/probe/find/discover.ts'
import { toHtml } from '../src/probe/reports/html.ts'
import { toJson } from '../src/probe/reports/json.ts'
import { merged, type Report, readReport } from '../src/probe/reports/report.ts'
import { defaultLimitMs } from '../src/probe/settings.ts'
import type { Question } from '../test/peers/apart.ts'
import { type Asked, fileOf, nameOf } from '../test/peers/ask.ts'
import { peers } from '../test/peers/index.ts'
import { type Missing, matrix } from '../test/peers/matrix.ts'
import type { Peer } from '../test/peers/peer.ts'
import { type Places, run, start, versionOf } from '../test/peers/start.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const results = `${root}test-results/peers`
/**
 * Each waits most of the time; more of them would wait for the processor and see late what comes in
 * time.
 */
const atOnce = 8
/** Most of what a probe has to do is to be done at its start. */
const staggerMs = 2_500

const limitCases = new Set(questions.map((question) => question.case))
const { only, limitMs, docs } = readArguments()
const chosen = docs ? [] : peers.filter(({ name }) => only === null || only.includes(name))
const tmp = await mkdtemp(`${tmpdir()}/hangup-peers-`)
// A server that gives up its rights must still find its own directory.
await chmod(tmp, 0o755)
const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort()).once('SIGTERM', () => stopping.abort())
await mkdir(results, { recursive: true })

const installed: Asked[] = []
const missing: Missing[] = []
for (const peer of peers) {
  const version = await versionOf(peer)
  if (version !== null) installed.push(...peer.variants.map((variant) => ({ peer, variant, version })))
  else missing.push({ peer, fix: peer.debian.length > 0 ? `apt-get install ${peer.debian.join(' ')}` : 'npm ci' })
}
for (const { peer, fix } of missing) {
  if (chosen.includes(peer)) console.error(`${peer.title} is not installed: ${fix}`)
}

let failed = 0
const origin = await start(
  {
    argv: ['{bin}/node', '{apps}/node.ts', '{port}', JSON.stringify({ keepAliveTimeout: 600_000, requestTimeout: 0 })],
  },
  { origin: '', tmp: `${tmp}/origin` },
)
try {
  const built = new Map<Peer, Promise<string>>()
  const build = (peer: Peer, argv: readonly string[]) => {
    const building = built.get(peer) ?? buildInto(`${tmp}/${peer.name}`, argv)
    built.set(peer, building)
    return building
  }
  const asks = installed.filter(({ peer }) => chosen.includes(peer))
  // The longest first, or the last would be waited for alone.
  asks.sort((a, b) => (b.variant.limitMs ?? 0) - (a.variant.limitMs ?? 0))
  const next = async (): Promise<void> => {
    for (let asked = asks.shift(); asked && !stopping.signal.aborted; asked = asks.shift()) {
      const name = nameOf(asked)
      try {
        const own = asked.peer.build
          ? await build(asked.peer, asked.peer.build)
          : `${tmp}/${asked.peer.name}-${asked.variant.name}`
        const places = { origin: String(origin.port), tmp: own }
        const report = await askApart(asked, places)
        if (report === null) return
        await writeFile(`${results}/${fileOf(asked)}`, toJson(report))
        const leaks = report.servers.flatMap(({ warnings }) => warnings)
        console.error(`${name}: ${(report.tookMs / 1_000).toFixed(0)} s${leaks.map((leak) => `\n  ${leak}`).join('')}`)
      } catch (error) {
        failed += 1
        console.error(`${name}: ${error instanceof Error ? error.message : error}`)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, at) => sleep(at * staggerMs).then(next)))
} finally {
  await origin.stop()
  await rm(tmp, { recursive: true, force: true })
}
process.exitCode = stopping.signal.aborted || failed > 0 ? 1 : 0
if (!stopping.signal.aborted) await writeDocs()

/**
 * In a process of its own: what another server's probe is busy with is no delay of this one's.
 * Null: interrupted.
 */
async function askApart({ peer, variant, version }: Asked, places: Omit<Places, 'port'>): Promise<Report | null> {
  const asked: Question = { peer: peer.name, variant: variant.name, version, places, limitMs }
  const child = fork(`${root}test/peers/apart.ts`, [JSON.stringify(asked)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  let report: Report | null = null
  child.on('message', (message) => {
    report = message as Report
  })
  const stop = () => child.kill('SIGTERM')
  stopping.signal.addEventListener('abort', stop, { once: true })
  const [status] = await once(child, 'close')
  stopping.signal.removeEventListener('abort', stop)
  if (stopping.signal.aborted) return null
  if (report === null) throw new Error(said.trim() || `its probe ended with ${status}`)
  return report
}

async function buildInto(into: string, argv: readonly string[]): Promise<string> {
  await mkdir(into, { recursive: true })
  await run(argv, { tmp: into })
  return into
}

interface Reported {
  readonly asked: Asked
  readonly report: Report
  readonly file: string
}

/** Of every report that there is; half a matrix is not written. */
async function writeDocs(): Promise<void> {
  const rows: Reported[] = []
  for (const asked of installed) {
    const file = fileOf(asked)
    const text = await readFile(`${results}/${file}`, 'utf8').catch(() => null)
    if (text === null) {
      console.error(`the docs stay as they are: there is not a report of ${nameOf(asked)} yet (npm run peers)`)
      return
    }
    rows.push({ asked, report: readReport(text, file), file })
  }
  await writeFile(`${root}docs/peers.md`, matrix(rows, missing))
  await writeFile(`${root}docs/peers.html`, toHtml(merged(rows.map(kept))))
  console.error(`docs/peers.md and docs/peers.html: ${rows.length} servers`)
}

/** What the page needs: the timelines of the limits only, and of one that ends later no leak. */
function kept({ asked, file, report }: Reported) {
  const { later = {} } = asked.variant
  const cells = report.cells.map((cell) => (limitCases.has(cell.case) ? cell : { ...cell, timelines: [] }))
  const servers = report.servers.map((server) => ({
    ...server,
    limits: server.limits.map((limit) =>
      limit.outcome === 'leak' && later[limit.case]
        ? { ...limit, outcome: 'unknown' as const, watchedMs: null, reason: `${limit.reason}: ${later[limit.case]}` }
        : limit,
    ),
    warnings: server.warnings.filter(
      (warning) =>
        !server.limits.some((limit) => limit.problem && later[limit.case] && warning.includes(limit.problem)),
    ),
  }))
  return { file, report: { ...report, servers, cells } }
}

function readArguments(): { only: readonly string[] | null; limitMs: number; docs: boolean } {
  const refuse = (why: string): never => {
    console.error(`peers: ${why}`)
    process.exit(2)
  }
  const read = () => {
    try {
      return parseArgs({ options: { only: { type: 'string' }, limit: { type: 'string' }, docs: { type: 'boolean' } } })
        .values
    } catch (error) {
      return refuse(`${(error as Error).message}; there are --only, --limit and --docs`)
    }
  }
  const { only, limit, docs = false } = read()
  const names = peers.map(({ name }) => name)
  const unknown = only?.split(',').find((name) => !names.includes(name))
  if (unknown !== undefined) refuse(`--only: ${unknown} is no peer: ${names.join(', ')}`)
  const ms = limit === undefined ? defaultLimitMs : parse('duration', limit)
  if (typeof ms === 'string') return refuse(`--limit: ${ms}`)
  return { only: only?.split(',') ?? null, limitMs: ms, docs }
}
