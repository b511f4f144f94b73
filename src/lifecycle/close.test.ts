import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOptions } from '../policy/resolve.ts'
import { close } from './close.ts'
import { Connection } from './connection.ts'
import { refusedResponseMs } from './ending.ts'
import { bindLimits } from './limits.ts'
import { FakeMember } from './member.fake.ts'
import { type Act, type ReasonName, reasons } from './reasons.ts'

const { policy } = resolveOptions({ discardTimeoutMs: 2_000 })
const limits = bindLimits(policy)

function scene() {
  const verbs: string[] = []
  const connection = new Connection(0, limits, 'accepted', () => 0.5)
  const member = new FakeMember(connection, (verb) => verbs.push(verb))
  return { verbs, connection, member, close: (reason: ReasonName, now = 100) => close(member, reason, now, policy) }
}

const verbOf: Readonly<Record<Act, string | undefined>> = {
  'refuse-body': 'refuseBody',
  say: 'say',
  linger: 'linger',
  end: 'end',
  reset: 'reset',
  drop: 'drop',
  report: undefined,
}

test('each reason is carried out by the one verb of its act', () => {
  for (const name of Object.keys(reasons) as ReasonName[]) {
    const { verbs, close } = scene()
    close(name)
    assert.deepEqual([verbs[0]?.split(' ')[0], verbs.length <= 1], [verbOf[reasons[name].act], true], name)
  }
})

test('an engine that can not say it, or can not refuse a body, ends the connection', () => {
  for (const reason of ['head', 'body'] as const) {
    const { verbs, member, connection, close } = scene()
    member.say = member.refuseBody = () => false
    close(reason)
    assert.deepEqual(verbs, ['end'])
    assert.equal(connection.state, 'closing')
  }
})

test('a refused body has its time to be answered, and is ended after it', () => {
  const { verbs, connection, close } = scene()
  connection.move('requestWithBody', 0)
  close('body', 100)
  close('body', 100 + refusedResponseMs - 1)
  assert.deepEqual(verbs, ['refuseBody'])
  close('body', 100 + refusedResponseMs)
  assert.deepEqual(verbs, ['refuseBody', 'end'])
})

test('what is refused of one request is no refusal of the next', () => {
  const { verbs, connection, close } = scene()
  connection.move('requestWithBody', 0)
  close('body', 100)
  connection.move('answered', 200)
  connection.move('bodyEnd', 300)
  connection.move('requestWithBody', 9_000)
  close('body', 9_900)
  assert.deepEqual(verbs, ['refuseBody', 'refuseBody'])
})

test('what was discarded for a while lingers for the rest of its time, and never for none', () => {
  for (const [now, forMs] of [
    [500, 1_500],
    [5_000, 250],
  ] as const) {
    const { connection, close } = scene()
    connection.move('requestWithBody', 0)
    connection.move('answered', 0)
    close('discard', now)
    assert.equal(connection.lingerMs, forMs)
  }
})
