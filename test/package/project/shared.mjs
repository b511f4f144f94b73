/** Two entries of the package: what one throws and keeps is what the other knows. */
import assert from 'node:assert/strict'
import * as any from 'hangup'
import { adminRoutes } from 'hangup/admin'
import { gateway } from 'hangup/gateway'

const runtime = 'Bun' in globalThis ? 'bun' : 'Deno' in globalThis ? 'deno' : 'node'
const own = await import(`hangup/${runtime}`)
assert.equal(own.serve, any.serve)
assert.equal(own.draining, any.draining)

const thrownBy = (what) => what().then(assert.fail, (error) => error.constructor)
const refused = await thrownBy(() => any.serve(() => new Response(), { idleTimeoutMs: -1 }))
assert.equal(refused.name, 'ConfigError')
assert.equal(await thrownBy(() => gateway({ to: 'nowhere' })), refused)

const server = await any.serve(() => new Response('a'), { port: 0, host: '127.0.0.1', admin: false })
const metrics = await adminRoutes(server).request('/metrics')
assert.match(await metrics.text(), /^hangup_ready 1$/m)
await server.close()
console.log('fine')
