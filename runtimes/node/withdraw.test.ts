import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { NodeTransport } from './transport.ts'

test('a message that waits for the end of the turn can be taken back, and one that was written not', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const tcp = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = (await once(server, 'connection')) as [Socket]
  t.after(() => tcp.destroy())
  let heard = ''
  accepted.setEncoding('latin1').on('data', (text: string) => {
    heard += text
  })
  let drained = 0
  const transport = new NodeTransport(tcp, { gathers: true })
  transport.events = { secured() {}, feed() {}, drained: () => void drained++, peerEnded() {}, gone() {} }

  assert.equal(transport.withdraw(), false, 'there is none')
  transport.write('first', null)
  assert.equal(transport.withdraw(), true)
  assert.equal(transport.withdraw(), false, 'it is taken back once')
  await turn()
  assert.deepEqual([transport.unsent, drained], [0, 0])

  transport.write('second', null)
  await turn()
  await turn()
  assert.equal(transport.withdraw(), false, 'it has gone')
  tcp.end()
  await once(accepted, 'end')
  assert.deepEqual([heard, drained], ['second', 1])
})
