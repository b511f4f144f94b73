/** Whether the server is still there when all has been asked. */
import type { Case } from '../case.ts'
import { type Address, Connection } from '../client/client.ts'
import type { Outcome } from '../probing.ts'
import { unseen } from './verdict.ts'

export async function isThere(address: Address): Promise<boolean> {
  try {
    const connection = await Connection.open(address, { bare: true })
    connection.destroy()
    return true
  } catch {
    return false
  }
}

/** Connections that ended may have ended with it, so nothing that was found means anything. */
export function judgedGone(outcome: Outcome): Outcome {
  const theCase: Case = {
    id: 'survives',
    level: 'policy',
    title: 'The server is still there when all has been asked',
    why: 'A server that a handful of clients can end is not one that they can rely on.',
    spec: [],
    profile: 'timed',
    steps: [{ alive: true }],
  }
  const reason = 'it does not accept connections any more: what ended may have ended with it'
  const judged = { case: theCase, run: { ...unseen, id: theCase.id, verdict: 'fail' as const, reason } }
  return { ...outcome, cutShort: 'the server has gone', judged: [...outcome.judged, judged] }
}
