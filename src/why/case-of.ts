/**
 * The end of a connection as a case of the probe: it does again what the client did, pause for
 * pause, and expects the response that the client did not get. So it is red on a server that does
 * the same again, and green on one that is mended. Pure.
 */
import type { ReasonName } from '../lifecycle/reasons.ts'
import type { Mark } from '../lifecycle/trail.ts'
import { isLimit } from '../observe/cause-text.ts'
import type { EndedConnection } from '../observe/flight-recorder.ts'
import type { CaseInput } from '../probe/case-file.ts'
import { time } from '../probe/reports/numbers.ts'
import { type GoesOn, Script } from './script.ts'
import { dateText } from './text.ts'
import { causeText } from './words.ts'

/** A case, or why there is none. */
export type Saved = { readonly case: CaseInput } | { readonly why: string }

const afterLimit: Readonly<Partial<Record<ReasonName, GoesOn>>> = {
  silent: 'asks',
  idle: 'asks',
  age: 'asks',
  head: 'ends its head',
  body: 'ends its body',
  bodyRate: 'sends its body slowly',
  upload: 'sends its body slowly',
  write: 'reads late',
  writeRate: 'reads late',
  streamIdle: 'waits',
}

const titles: Readonly<Record<GoesOn, (held: string) => string>> = {
  asks: (held) => `A connection on which the client was quiet for more than ${held} still takes a request`,
  'ends its head': (held) => `A request head with a pause of more than ${held} in it is answered`,
  'ends its body': (held) => `A request body with a pause of more than ${held} in it is answered`,
  'sends its body slowly': (held) => `A request body that takes more than ${held} is answered`,
  'reads late': (held) => `A client that reads its response after more than ${held} gets it`,
  waits: () => 'The response comes to its end',
  'is as patient': (held) => `The response is there within ${held}`,
}

export function caseOf(ended: EndedConnection): Saved {
  const how = goesOn(ended)
  if (how === null) return { why: `${causeText(ended)}; one client that asks again cannot show that` }
  const moves = whatMatters(ended)
  if (moves === null) return { why: 'the beginning of its last requests was not kept' }
  if (moves.some(({ mark }) => mark === 'upgrade')) return { why: 'it spoke another protocol, which is not recorded' }
  const script = new Script(ended, moves, how)
  script.replay()
  const held = time(script.heldMs)
  return {
    case: {
      id: `incident-${ended.id}-${new Date(ended.endedAt).toISOString().slice(0, 19).replace(/\D/g, '')}`,
      title: titles[how](held),
      why: `On ${dateText(ended.endedAt)} such a connection was ${causeText(ended)}, after ${held}. Fields and contents are not recorded: put in those that matter.`,
      steps: script.goOn(),
    },
  }
}

/** Null: who ended it, and why, is not what one client can bring about. */
function goesOn({ by, why, phase }: EndedConnection): GoesOn | null {
  if (by === 'client') return phase === 'handling' || phase === 'streaming' ? 'is as patient' : null
  if (by !== 'server') return null
  if (isLimit(why)) return afterLimit[why] ?? null
  return why === 'application' || why === 'fault' ? 'waits' : null
}

/**
 * The last request that was answered, and what came after it: enough, and quickly played. All,
 * where the age of the connection matters. Null: that was not kept.
 */
function whatMatters({ moves, movesLeftOut, why }: EndedConnection): EndedConnection['moves'] | null {
  const whole = movesLeftOut === 0 ? moves : null
  if (why === 'age') return whole
  const isAnswer = ({ mark }: { readonly mark: Mark }) => mark === 'answered'
  const last = moves.findLastIndex(isAnswer)
  const before = moves.slice(0, Math.max(last, 0)).findLastIndex(isAnswer)
  return before < 0 ? whole : moves.slice(before + 1)
}
