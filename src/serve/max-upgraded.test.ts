import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Fetch } from './contract.ts'
import { withMaxUpgraded } from './max-upgraded.ts'

const asked = (headers: Record<string, string> = { upgrade: 'websocket' }) => new Request('http://a/', { headers })

function limited(handler: Fetch, maxUpgraded = 2) {
  const scene = { open: 0, full: 0 }
  const fetch = withMaxUpgraded(handler, { maxUpgraded, webSockets: () => scene.open, onFull: () => void scene.full++ })
  const ask = async (request = asked()) => (await fetch(request)).status
  return { scene, fetch, ask }
}

test('one more WebSocket than there may be gets 503, and is counted; other requests are asked', async () => {
  const { scene, ask } = limited(() => new Response('ok'))
  scene.open = 1
  assert.equal(await ask(), 200)
  scene.open = 2
  assert.equal(await ask(), 503)
  assert.equal(await ask(asked({ upgrade: 'foo, WebSocket/13' })), 503)
  assert.equal(await ask(asked({})), 200)
  assert.equal(await ask(asked({ upgrade: 'h2c' })), 200)
  assert.equal(scene.full, 2)
})

test('those that are being decided on count, until they are answered, whatever the answer', async () => {
  const decide: { answer(response: Response): void; fail(error: Error): void }[] = []
  const { fetch, ask } = limited(() => new Promise<Response>((answer, fail) => void decide.push({ answer, fail })))
  const first = fetch(asked())
  const second = fetch(asked())
  assert.equal(await ask(), 503)
  decide[0]!.answer(new Response('no', { status: 401 }))
  decide[1]!.fail(new Error('of the handler'))
  assert.equal((await first).status, 401)
  await assert.rejects(async () => await second, /of the handler/)
  const third = ask()
  decide[2]!.answer(new Response('ok'))
  assert.equal(await third, 200)
})

test('a handler that throws at once leaves nothing counted', () => {
  const { fetch, scene } = limited(() => {
    throw new Error('at once')
  }, 1)
  for (let time = 0; time < 3; time++) assert.throws(() => fetch(asked()), /at once/)
  assert.equal(scene.full, 0)
})

test('off, the handler is returned as it is', () => {
  const handler = () => new Response('ok')
  assert.equal(limited(handler, 0).fetch, handler)
})
