import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import process from 'node:process'
import { test } from 'node:test'
import { testsMayVanish, VanishingHost } from '../../src/probe/client/vanish.ts'

const skip = testsMayVanish() ? false : 'NOT TESTED: needs TEST_VANISHING_CLIENT=1 and CAP_NET_ADMIN'

test('a host that vanishes says nothing, and leaves no address and no route behind', { skip }, async (t) => {
  let host: VanishingHost
  try {
    host = await VanishingHost.appear(process.pid)
  } catch (error) {
    return t.skip((error as Error).message)
  }
  t.after(() => host.forget())
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const client = connect({ port, host: '127.0.0.1', localAddress: host.address })
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [[Socket], unknown]
  t.after(() => accepted.destroy())
  let said = ''
  for (const event of ['end', 'error', 'close'] as const) accepted.on(event, () => (said += event))
  accepted.resume()

  await host.vanish()
  client.destroy()
  accepted.write('is anybody there?')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(said, '')

  await host.forget()
  const left = execFileSync('sh', ['-c', 'ip -4 address; ip -4 route'], { encoding: 'utf8' })
  assert.ok(!left.includes(host.address), left)
})
