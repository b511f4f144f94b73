/** A project of CommonJS: every entry is there for `require`, and serves. Says `fine` if so. */
const assert = require('node:assert/strict')
// Deno resolves a require() as Node does, without its own condition.
const { serve } = require('Deno' in globalThis ? 'hangup/deno' : 'hangup')

for (const entry of ['gateway', 'admin', 'probe']) assert.ok(Object.keys(require(`hangup/${entry}`)).length > 0)

void serve(() => new Response('required'), { port: 0, host: '127.0.0.1' }).then(async (server) => {
  assert.equal(await (await fetch(server.url)).text(), 'required')
  await server.close()
  console.log('fine')
})
