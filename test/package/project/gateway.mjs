/** A program of somebody else's with a gateway in it, and a server behind. */
import assert from 'node:assert/strict'
import { serve } from 'hangup'
import { gateway, problemsOf } from 'hangup/gateway'

const server = await serve(() => new Response('behind'), { port: 0, host: '127.0.0.1' })
const config = { to: server.url.slice(0, -1), listen: { port: 0, host: '127.0.0.1' } }
assert.deepEqual(await problemsOf(config), [])
assert.deepEqual((await problemsOf({ ...config, too: 1 })).length, 1)
const proxy = await gateway(config, { signals: false })
assert.equal(await (await fetch(proxy.urls[0])).text(), 'behind')
await proxy.drain({ announce: false })
await server.close()
console.log('fine')
