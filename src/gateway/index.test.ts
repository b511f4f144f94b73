import assert from 'node:assert/strict'
import { test } from 'node:test'
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
  return startOn(world.runtime, config, { log: world.note, signals: false }, world)
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
