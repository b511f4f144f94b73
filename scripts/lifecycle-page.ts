/** docs/lifecycle.md, drawn from the tables of src/lifecycle and the modules of the limits. */
import { goAwayMs, nothingOwedMs, refusedResponseMs } from '../src/lifecycle/ending.ts'
import { elsewhere, type Rule, rules } from '../src/lifecycle/limits.ts'
import { type Act, type Reason, reasons } from '../src/lifecycle/reasons.ts'
import {
  busy,
  type Ending,
  type EndingEvent,
  type Event,
  endingMoves,
  type State,
  step,
  waiting,
} from '../src/lifecycle/states.ts'
import { reachable } from '../src/lifecycle/walk.ts'
import { type OptionName, optionSpecs } from '../src/policy/policy.ts'
import { format } from '../src/policy/units.ts'
import { markdown } from './markdown.ts'

const events: Readonly<Record<Event, string>> = {
  secured: 'TLS handshake done',
  bytes: 'a byte of a head',
  request: 'head complete',
  requestWithBody: 'head complete, body to come',
  bodyEnd: 'body complete',
  begun: 'response begun',
  blocked: 'bytes wait for the client',
  flowing: 'the client took them',
  answered: 'response out',
  upgrade: '101',
}

const endings: Readonly<Record<EndingEvent, string>> = {
  last: 'this response is the last',
  ended: 'our side is ended',
  gone: 'the socket is closed',
}

const states: Readonly<Record<State, string>> = {
  handshake: 'TCP is connected, TLS is not there yet',
  accepted: 'nothing of a first request has come',
  head: 'a part of a head has come',
  body: 'the body is coming',
  handling: 'the application works',
  writing: 'bytes of the response wait for the client',
  streaming: 'the client has all that the application gave so far',
  discarding: 'answered early, and the body is still coming',
  idle: 'the latest request is answered',
  upgraded: 'another protocol, such as WebSocket',
  closing: 'our side is ended',
}

const mermaid = (lines: Iterable<string>): string =>
  ['```mermaid', 'stateDiagram-v2', ...[...lines].map((line) => `  ${line}`), '```'].join('\n')

/** Events that lead from one state to another, by their edge. */
class Edges {
  readonly #names = new Map<string, Set<string>>()

  add(from: string, to: string, name: string): void {
    const edge = `${from} --> ${to}`
    this.#names.set(edge, (this.#names.get(edge) ?? new Set()).add(name))
  }

  get lines(): string[] {
    return [...this.#names].map(([edge, names]) => `${edge}: ${[...names].join(', ')}`)
  }
}

/** One request after another: what pipelining adds is in the tables, not in the picture. */
const isPipelined = (event: Event, state: State): boolean =>
  busy[state] && (event === 'request' || event === 'requestWithBody')

function diagram(): string {
  const edges = new Edges()
  for (const { pair, ending, state, moves } of reachable()) {
    if (ending !== 'open') continue
    for (const event of moves) {
      const to = step(pair, event)!.state
      if (to !== state && !isPipelined(event, state)) edges.add(state, to, events[event])
    }
  }
  return mermaid(['[*] --> handshake: TLS', '[*] --> accepted', ...edges.lines])
}

function endingDiagram(): string {
  const edges = new Edges()
  for (const [from, moves] of Object.entries(endingMoves) as [Ending, Record<EndingEvent, Ending>][]) {
    for (const event of Object.keys(moves) as EndingEvent[]) {
      if (moves[event] !== from) edges.add(from, moves[event], endings[event])
    }
  }
  return mermaid(['[*] --> open', ...edges.lines, 'closed --> [*]'])
}

const ends: Readonly<Record<Act, string>> = {
  'refuse-body': 'then the end of the connection',
  say: 'then FIN',
  linger: 'the whole response, then FIN',
  end: 'FIN',
  reset: 'RST',
  drop: 'nothing more; RST for what it still sends',
  report: '',
}

const seen = ({ status, act }: Reason): string => [status, ends[act]].filter(Boolean).join(', ')

/**
 * What follows when an option of a rule runs out; without a reason of its own the option says it.
 */
function seenWith(option: OptionName, rule: Rule | null): string {
  const [name] = rule?.reasons.filter((reason) => reasons[reason].option === option) ?? []
  return name === undefined ? optionSpecs[option].peerSees : seen(reasons[name])
}

function limitsTable(): string {
  const rows = (Object.keys(rules) as State[]).flatMap((state) => {
    // One that closes nothing only watches.
    const closing = rules[state].filter((rule) => rule.reasons.length > 0)
    const limits = [
      ...closing.flatMap((rule) => rule.options.map((option) => ({ option, rule }))),
      ...(elsewhere[state] ?? []).map((option) => ({ option, rule: null })),
    ].filter(({ option }, index, all) => all.findIndex((other) => other.option === option) === index)
    const about = `${states[state]}${busy[state] ? '; **busy**' : waiting.includes(state) ? '; *waits*' : ''}`
    if (limits.length === 0) return [[`\`${state}\``, about, '–', '', '', '']]
    return limits.map(({ option, rule }, index) => {
      const { default: value, kind, resets } = optionSpecs[option]
      const shown = value === 'derived' ? 'derived' : format(kind, value)
      const head = index === 0 ? [`\`${state}\``, about] : ['', '']
      return [...head, `\`${option}\``, shown, resets, seenWith(option, rule)]
    })
  })
  return markdown(['state', 'the connection', 'limit', 'default', 'its clock resets on', 'the client sees'], rows)
}

function reasonsTable(): string {
  const rows = Object.entries(reasons).map(([name, reason]: [string, Reason]) => [
    `\`${name}\``,
    `\`${reason.option}\``,
    seen(reason),
    reason.message ?? '–',
  ])
  return markdown(['reason', 'option', 'the client sees', 'in the log'], rows)
}

const ms = (value: number): string => format('duration', value)

export function lifecyclePage(): string {
  return `${[
    '# The life of a connection',
    'Generated from the tables in `src/lifecycle/`, which every engine executes: `node scripts/docs.ts` writes this page.',
    'Three small tables in `states.ts` say what can happen: what the server has of the request, what the client has of the response, and what is left of the connection. The state that the options, `connections()` and this page speak of is where they meet.',
    '## States',
    diagram(),
    'Any state may be followed by `closing`, the time after our side is ended. What the client still sends is read away then, so that no RST overtakes the response.',
    endingDiagram(),
    '## Limits of each state',
    'The rule of a limit is in its module, `src/policy/limits/`. *Waits*: the connection waits for its client, and may be closed to make room or in a drain. **Busy**: a client is owed a response. No limit of a waiting connection, no drain before `drainTimeoutMs` and no pressure closes a busy one: a test walks every reachable combination.',
    limitsTable(),
    '## Why a connection is closed',
    'The option is the name under which `hungUp` in `connections()` and the metrics count it.',
    reasonsTable(),
    '## How long the end may take',
    `After the last response a client that owes nothing has ${ms(nothingOwedMs)} to end its side, and one that may still be sending has \`discardTimeoutMs\` (${ms(5_000)} if that is off). HTTP/2 has ${ms(goAwayMs)} after GOAWAY. An application that does not answer within ${ms(refusedResponseMs)} after the body that it read was refused loses the connection.`,
  ].join('\n\n')}\n`
}
