import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutOtherRoutes } from '../serve/route-limits.fake.ts'
import type { GatewayFile, GatewayServer } from './contract.ts'
import { startOn } from './index.ts'
import { problemsOf } from './problems-of.ts'
import { MemoryWorld, ok } from './world.fake.ts'

const to = (port: number): GatewayFile => ({
  to: `http://127.0.0.1:${port}`,
  listen: { port: 80 },
  spoolMaxBytes: 'off',
})

async function started(world: MemoryWorld, config: GatewayFile): Promise<GatewayServer> {
  const { clock, drainClock, random } = world
  return startOn(world.runtime, config, { log: world.note, signals: false }, { clock, drainClock, random })
}

test('a program starts a gateway with what a file would say, and gives it another configuration', async () => {
  const world = new MemoryWorld()
  await world.backend(1, ok('one'))
  await world.backend(2, ok('two'))
  const gateway = await started(world, to(1))
  const client = await (await world.client()).get()
  assert.match(client.received, /one$/)
  assert.deepEqual(await gateway.reload(to(2)), [])
  assert.match((await client.get()).received, /two$/)
  assert.deepEqual(await gateway.reload({ ...to(2), listen: { port: 81 } }), [
    'listen: http://*:81 needs a restart; http://*:80 stays',
  ])
  assert.equal(gateway.status().groups['default']?.[0]?.name, 'http://127.0.0.1:2')
  await gateway.kill()
})

test('a configuration that is wrong starts nothing, changes nothing, and can be asked about before', async () => {
  const world = new MemoryWorld()
  const wrong: GatewayFile = { to: 'ftp://a', listen: { port: 80 } }
  await assert.rejects(started(world, wrong), { code: 'CONFIG_INVALID' })
  await assert.rejects(world.client(), { code: 'ECONNREFUSED' })
  assert.deepEqual(
    (await problemsOf(wrong)).map(({ option }) => option),
    ['to'],
  )
  assert.deepEqual(await problemsOf(to(1)), [])
  await world.backend(1, ok('one'))
  const gateway = await started(world, to(1))
  await assert.rejects(gateway.reload(wrong), { code: 'CONFIG_INVALID' })
  assert.match((await (await world.client()).get()).received, /one$/)
  await gateway.kill()
})

test('a route has limits of its own, its requests alone, and takes larger bodies than the others', async (t) => {
  withoutOtherRoutes(t)
  const world = new MemoryWorld()
  await world.backend(1, ok('done'))
  const gateway = await started(world, {
    groups: { one: 'http://127.0.0.1:1' },
    listen: { port: 80 },
    spoolMaxBytes: 'off',
    bodyTimeoutMs: '2s',
    minBodyBytesPerSec: 'off',
    maxBodyBytes: 8,
    routes: [
      { path: '/upload', to: 'one', limits: { bodyTimeoutMs: '10s', maxBodyBytes: 20 } },
      { path: '/tiny', to: 'one', limits: { maxBodyBytes: 2 } },
      { to: 'one' },
    ],
  })
  const post = (path: string, length: number, body: string) =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${body}`
  const sent = async (text: string) => (await world.client()).send(text)
  const [large, tooLarge, other, tiny] = [
    await sent(post('/upload', 20, 'x'.repeat(20))),
    await sent(post('/upload', 21, 'x')),
    await sent(post('/', 9, '123456789')),
    await sent(post('/tiny', 3, '123')),
  ]
  assert.deepEqual(large.statuses, ['200'])
  for (const refused of [tooLarge, other, tiny]) assert.match(refused.statuses.join(), /^413/)
  const slow = await sent(post('/upload', 4, 'ab'))
  await world.pass(9_000)
  assert.deepEqual(slow.statuses, [])
  await slow.send('cd')
  assert.deepEqual(slow.statuses, ['200'])
  await slow.send(post('/', 4, 'ab'))
  await world.pass(2_200)
  assert.deepEqual(slow.statuses, ['200', '408'])
  await gateway.kill()
})

test('limits of a route are refused by their path', async () => {
  const problems = await problemsOf({
    groups: { one: 'http://a' },
    routes: [
      { path: '/a', to: 'one', limits: { bodyTimoutMs: '5s' } as never },
      { path: '/b', to: 'one', limits: { idleTimeoutMs: '5s' } as never },
      { path: '/c', to: 'one', limits: { bodyTimeoutMs: '5' } },
      { path: '/d', to: 'one', bodyTimeoutMs: '5s' } as never,
    ],
  })
  assert.deepEqual(
    problems.map(({ message }) => message.replace(/; (known keys|accepted): .*/, '')),
    [
      'routes[0].limits.bodyTimoutMs 5s: unknown key; did you mean bodyTimeoutMs?',
      'routes[1].limits.idleTimeoutMs 5s: it is not a limit of one request, so a route can’t change it; set it at the top of the file',
      'routes[2].limits.bodyTimeoutMs: "5" has no unit',
      'routes[3].bodyTimeoutMs 5s: it is part of the connection policy; put it into limits of the route',
    ],
  )
})
